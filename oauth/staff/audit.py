"""Records who changes which row and fields in the admin, and from which IP address, but no values."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Model
from django.http import HttpRequest

from oauth.models import AuditEvent
from oauth.models.audit_event import origin

#: An action writes one event per row, for at most this many rows.
MOST_NAMED = 1000


def record(request: HttpRequest, act: str, rows: Sequence[Model], *, detail: str = "") -> None:
    with origin(f"admin.{act}"[:40], request):
        for row in rows:
            AuditEvent.record(
                AuditEvent.Action.STAFF_ACTED,
                user=_owner(row),
                actor=request.user.pk,
                reason=f"{row._meta.label} {row.pk} {detail}".strip(),
            )


def named(message: Any) -> str:
    """The names of the changed fields, from the message of Django's LogEntry."""
    if isinstance(message, str):
        return message
    changes = [(what, about) for part in message for what, about in part.items()]
    return "; ".join(
        " ".join([what, *(str(about[key]) for key in ("name", "object") if key in about), *about.get("fields", ())])
        for what, about in changes
    )


def _owner(row: Model) -> Any:
    """The primary key of the user to whom the row belongs; empty if there is none."""
    if isinstance(row, get_user_model()):
        return row.pk
    return getattr(row, "user_id", None) or ""
