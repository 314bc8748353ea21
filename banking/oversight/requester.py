"""The first of two officers must still have the right to request when the second one approves."""

from typing import Any

from banking.ledger.refusals import NotAllowed


class RequesterNotAllowed(NotAllowed):
    code = "requester_not_allowed"
    title = (
        "The officer who asked for this no longer has the right to ask for it. Decline it; somebody else can ask again."
    )


def refuse_former(requester: Any, permission: str) -> None:
    """Raises RequesterNotAllowed, also if the user account of the officer who asked was disabled (ASVS 5.0 8.3.2)."""
    if not requester.has_perm(permission):
        raise RequesterNotAllowed
