"""The bank's acts in the authorization server's audit log: one log for the site."""

from banking.oversight import Officer
from oauth.models import AuditEvent


def of_bank(act: str, *, officer: Officer, about: str, reason: str) -> None:
    """BANK_AUDIT_LOG. In the transaction of the act."""
    AuditEvent.record(
        AuditEvent.Action.STAFF_ACTED,
        endpoint=f"bank.{act}",
        user=about,
        actor=officer.user.pk,
        address=officer.address,
        reason=reason,
    )
