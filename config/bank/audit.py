"""BANK_AUDIT_LOG: records the actions of the bank's officers in the audit log of the authorization server."""

from banking.oversight import Officer
from oauth.models import AuditEvent


def record(act: str, *, officer: Officer, about: str, reason: str) -> None:
    """Writes an audit event in the transaction of the action."""
    AuditEvent.record(
        AuditEvent.Action.STAFF_ACTED,
        endpoint=f"bank.{act}",
        user=about,
        actor=officer.user.pk,
        address=officer.address,
        reason=reason,
    )
