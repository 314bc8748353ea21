"""Staff never act on their own money (ISO 27001 A.5.3). An officer who has access to an account, in any role, must
leave acts on it to another officer.
"""

from collections.abc import Iterable
from uuid import UUID

from banking.ledger.refusals import NotAllowed
from banking.models import AccountAccess
from banking.oversight.audit import Officer


class OwnMoney(NotAllowed):
    code = "own_money"
    title = "You have access to an account that this touches. Somebody else must do it."


def refuse_own_money(by: Officer, accounts: Iterable[UUID | None]) -> None:
    """Raises OwnMoney. The database also refuses it (migration 0014)."""
    if has_access(by.user.pk, accounts):
        raise OwnMoney


def has_access(user_id: UUID, accounts: Iterable[UUID | None]) -> bool:
    """Whether the user has access, in any role, to one of the accounts."""
    touched = [account for account in accounts if account is not None]
    return AccountAccess.objects.filter(user_id=user_id, account_id__in=touched).exists()
