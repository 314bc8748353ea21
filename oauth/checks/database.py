"""`manage.py check --database default`: whether a background worker runs."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import DatabaseError, router

from oauth.models import Client
from oauth.operations import workers


@register(Tags.database)
def check_worker(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    alias = router.db_for_write(Client) or "default"
    if alias not in (databases or ()):
        return []
    try:
        is_running = workers.last_seen_at(using=alias) is not None
    except DatabaseError:
        return []  # before the first `migrate`, or without a database: other checks and commands say so
    if is_running:
        return []
    return [
        Warning(
            "No background worker runs. Clients are not notified of logouts, and no new signing key is published.",
            hint="Run `manage.py procrastinate worker` beside the server.",
            id="oauth.W003",
        )
    ]
