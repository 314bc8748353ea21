"""Three accounts a person, filled by the bank's own way of moving money: `ledger.post`."""

from datetime import datetime

from accounts.models import User
from banking import ledger
from banking.models import Account
from banking.opening import internal_account, open_account
from demo.seed import history
from demo.seed.people import Income

# What kind a transaction is, by the bank's own account on its other side.
_KINDS = {"Incoming payments": "credit_transfer", "Direct debits": "direct_debit", "Card payments": "card"}


def ensure(holder: User, *, income: Income | None, now: datetime) -> None:
    """Whoever has an account already is left alone: the money is theirs to move."""
    if income is None or Account.objects.filter(holder=holder).exists():
        return
    days = history.of(holder.email, income, until=now)
    accounts = {
        history.EVERYDAY: open_account(holder, name="Everyday", currency="GBP", type=Account.Type.CURRENT),
        history.SAVINGS: open_account(holder, name="Rainy day", currency="GBP", type=Account.Type.SAVINGS),
        history.EUROS: open_account(holder, name="Holiday euros", currency="EUR", type=Account.Type.CURRENT),
    }
    Account.objects.filter(holder=holder).update(opened_at=days[0].at)
    for event in days:
        account = accounts[event.account]
        if event.other in accounts:
            other, kind = accounts[event.other], "transfer"
        else:
            other, kind = internal_account(account.currency, event.other), _KINDS[event.other]
        ledger.post(
            entries=[(account, event.amount_minor), (other, -event.amount_minor)],
            description=event.description,
            kind=kind,
            created_at=event.at,
        )
