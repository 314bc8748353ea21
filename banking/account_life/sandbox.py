"""Sandbox customers, who have play money: developers try their apps with them, and their payments never involve real
money.
"""

from typing import Any
from uuid import UUID

from django.db import transaction

from banking import ledger, webhooks
from banking.accounts.opening import internal_account, open_account
from banking.models import Account, Event, SandboxCustomer
from banking.notation.currencies import PLAY_MONEY

#: The bank's own account that issues play money. Its balance shows how much was issued.
ISSUER = "Play money"
FULL_MINOR = 1_000_000
#: The initial transactions of the first account: description and amount in minor units.
_HISTORY = (
    ("Salary", 240_000), ("Rent", -95_000), ("Groceries", -6_420), ("Coffee", -380), ("Electricity", -7_105),
    ("Refund of a purchase", 2_599),
)  # fmt: skip


def is_sandbox_customer(user_id: UUID) -> bool:
    return SandboxCustomer.objects.filter(user_id=user_id).exists()


@transaction.atomic
def open_sandbox(user: Any) -> None:
    """Makes a new user a sandbox customer with two accounts, so that one can pay the other. Raises IntegrityError for a
    user who has an account."""
    SandboxCustomer.objects.create(user=user)
    current = open_account(user, name="Everyday", currency=PLAY_MONEY)
    savings = open_account(user, name="Rainy day", currency=PLAY_MONEY, type=Account.Type.SAVINGS)
    for description, amount_minor in _HISTORY:
        _give(current, amount_minor, description)
    _give(savings, FULL_MINOR // 2, "Opening balance")
    fill_up(user.pk)


@transaction.atomic
def fill_up(user_id: UUID) -> None:
    """Fills the first account up to FULL_MINOR. Does nothing if it has more or is not open."""
    accounts = Account.objects.filter(holder_id=user_id, currency=PLAY_MONEY, status=Account.Status.OPEN)
    first = accounts.order_by("opened_at", "id").first()
    if first is not None and first.posted_minor < FULL_MINOR:
        _give(first, FULL_MINOR - first.posted_minor, "Play money")


def _give(account: Account, amount_minor: int, description: str) -> None:
    posted = ledger.post(
        [(internal_account(PLAY_MONEY, ISSUER), -amount_minor), (account, amount_minor)],
        description=description,
        kind="sandbox",
    )
    webhooks.announce([(Event.TRANSACTION_BOOKED, account.pk, posted.pk)])
