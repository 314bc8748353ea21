"""The first of two officers must still have the right to request when the second one approves, and have no access to an
affected account.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from banking.ledger.refusals import NotAllowed
from banking.oversight.own_money import has_access


class RequesterNotAllowed(NotAllowed):
    code = "requester_not_allowed"
    title = (
        "The officer who asked for this no longer has the right to ask for it. Decline it; somebody else can ask again."
    )


class RequesterHasAccess(NotAllowed):
    code = "requester_has_access"
    title = (
        "The officer who asked for this now has access to an account that this touches. Decline it; somebody else can "
        "ask again."
    )


def refuse_former(requester: Any, permission: str) -> None:
    """Raises RequesterNotAllowed, also if the user account of the officer who asked was disabled (ASVS 5.0 8.3.2)."""
    if not requester.has_perm(permission):
        raise RequesterNotAllowed


def refuse_insider(requester: Any, accounts: Iterable[UUID | None]) -> None:
    """Raises RequesterHasAccess if the officer who asked was given access to one of the accounts since (ISO 27001
    A.5.3).
    """
    if has_access(requester.pk, accounts):
        raise RequesterHasAccess
