"""The site's audit log. The setting BANK_AUDIT_LOG names a function `(act, officer=, about=, reason=)` that writes a
row in the caller's transaction. If the function fails, the act is rolled back.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Officer:
    """The member of staff who acts, and their IP address."""

    user: Any
    address: str | None = None


def record(act: str, *, by: Officer, about: object = "", reason: str) -> None:
    """`about` is the primary key of the user whose money is concerned; empty for the bank's own."""
    import_string(settings.BANK_AUDIT_LOG)(act, officer=by, about=str(about or ""), reason=reason)
