"""Nobody of the staff acts on their own money (ISO 27001 A.5.3): if you have access to an account
that an act touches, in any role, somebody else must do it."""

from collections.abc import Iterable
from uuid import UUID

from banking.ledger.refusals import LedgerRefusal
from banking.models import AccountAccess
from banking.oversight.audit import Officer


class OwnMoney(LedgerRefusal):
    code = "own_money"
    title = "You have access to an account that this touches. Somebody else must do it."
    status = 403


def check(by: Officer, accounts: Iterable[UUID | None]) -> None:
    """Raises OwnMoney. The database refuses it, too (migration 0014)."""
    touched = [account for account in accounts if account is not None]
    if AccountAccess.objects.filter(user_id=by.user.pk, account_id__in=touched).exists():
        raise OwnMoney
