"""Replaces the secret of a client. The old secret still works for a while, so that a running client can switch."""

from datetime import datetime, timedelta
from typing import Any

from oauth.models import AuditEvent, Client
from oauth.models.client.secrets import SECRET_FIELDS

# How long the old secret works after the new one was issued.
SECRET_OVERLAP = timedelta(days=1)


def store_new_secret(client: Client, by: Any, *, overlap_until: datetime) -> str:
    """Stores and returns a new secret, in the caller's transaction. The secret cannot be read later."""
    client.changed_by = by
    secret = client.issue_secret(overlap_until=overlap_until)
    client.save(update_fields=[*SECRET_FIELDS, "updated"])
    AuditEvent.record(AuditEvent.Action.SECRET_ISSUED, client=client.client_id, actor=by.pk)
    return secret


def retire_previous_secret(client: Client, by: Any) -> bool:
    """Deletes the previous secret in the caller's transaction. Returns whether there was one."""
    if not client.has_two_secrets:
        return False
    client.changed_by = by
    client.previous_secret_digest = client.previous_secret_expires_at = None
    client.save(update_fields=["previous_secret_digest", "previous_secret_expires_at", "updated"])
    AuditEvent.record(AuditEvent.Action.SECRET_RETIRED, client=client.client_id, actor=by.pk)
    return True
