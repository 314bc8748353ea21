"""Changing the secret of a client that runs: the new and the old one both work for a day."""

from datetime import datetime, timedelta
from typing import Any

from oauth.models import AuditEvent, Client
from oauth.models.client.secrets import SECRET_FIELDS

# The new and the old secret both work for this time, so that a running client can be changed.
SECRET_OVERLAP = timedelta(days=1)


def store_new_secret(client: Client, by: Any, *, overlap_until: datetime) -> str:
    """Stores a new secret in the caller's transaction, and returns it. Nobody can read it again later."""
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
