"""What staff change in the admin, in the audit log: who, from where, which row, which fields. Never a value."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Model
from django.http import HttpRequest

from oauth.models import AuditEvent
from oauth.models.audit_event import origin

#: An event for each row of an action on many, up to the page that can be selected.
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
    """The names of the fields that a form changed, from the message that Django keeps in its own log."""
    if isinstance(message, str):
        return message
    changes = [(what, about) for part in message for what, about in part.items()]
    return "; ".join(
        " ".join([what, *(str(about[key]) for key in ("name", "object") if key in about), *about.get("fields", ())])
        for what, about in changes
    )


def _owner(row: Model) -> Any:
    """Whose row it is, by primary key; nobody's is the empty text."""
    if isinstance(row, get_user_model()):
        return row.pk
    return getattr(row, "user_id", None) or ""
