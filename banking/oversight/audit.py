"""The site's audit log: BANK_AUDIT_LOG names a function (act, officer=, about=, reason=) that writes a row of the
caller's transaction. Without its row no act happens."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Officer:
    """Who acts, and from which address."""

    user: Any
    address: str | None = None


def record(act: str, *, by: Officer, about: object = "", reason: str) -> None:
    """`about` is the primary key of the person whose money it is; nobody's: the bank's own."""
    import_string(settings.BANK_AUDIT_LOG)(act, officer=by, about=str(about or ""), reason=reason)
