"""Audit events with a chosen time."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from oauth.models import AuditEvent
from oauth.models.audit_event import first_id_at


def event_at(at: datetime, action: str = "issued", **values: Any) -> AuditEvent:
    """Creates an event as the server would have written it at that time."""
    return AuditEvent.objects.create(
        id=UUID(int=first_id_at(at).int | (uuid4().int >> 60)), at=at, action=action, **values
    )
