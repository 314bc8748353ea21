"""A plugin of pytest for `make rolling`: the old release does not know the new tables that refer to its own, so its
tests must empty both."""

from typing import Any


def pytest_configure() -> None:
    from django.core.management.commands import flush

    statements = flush.sql_flush

    def with_cascade(*arguments: Any, **options: Any) -> Any:
        return statements(*arguments, **{**options, "allow_cascade": True})

    flush.sql_flush = with_cascade
