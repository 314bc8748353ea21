"""A customer who has accounts, transfers and payment orders of each kind and state that the API can create."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from banking import ledger, payments
from banking.accounts.opening import internal_account, open_account
from banking.ledger import bulk
from banking.models import Account, AccountAccess, Role, ScheduledTransfer, Transfer
from banking.payments import transfers
from banking.second_bank import messages
from tests.lib import person

EMAIL = "sam@shapes.test"
MANY = 10_000
AT_ONCE = 200  # of the same two accounts; see banking.ledger.bulk
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"

ELSEWHERE = {"payee_name": LONG, "payee_iban": "FR1420041010050500013M02606"}


def make() -> dict[str, dict[str, str]]:
    """Creates the objects. Returns their ids, by kind and by a name of what is special about them."""
    sam, other = _user(EMAIL, "Sam Shapes"), _user(f"jo-{EMAIL}", "Jo Shapes")
    accounts = {
        name: _account(sam, name) for name in ("open", "no data", "frozen", "joint", "closed", "many rows", LONG)
    }
    for name in accounts:
        if name not in ("no data", "closed"):
            _pay_in(accounts[name], 10 if name != "many rows" else MANY)
    AccountAccess.objects.create(account=accounts["joint"], user=other, role=Role.HOLDER)
    of_other = _account(other, "Jo's")
    _pay_in(of_other, 1)
    AccountAccess.objects.create(account=of_other, user=sam, role=Role.READER)
    paid = _transfers(sam, accounts["open"], accounts["joint"], of_other)
    orders = _orders(sam, accounts["open"], accounts["joint"], of_other)
    Account.objects.filter(pk=accounts["frozen"].pk).update(status=Account.Status.FROZEN)
    Account.objects.filter(pk=accounts["closed"].pk).update(status=Account.Status.CLOSED)
    accounts["read only"] = of_other
    return {
        "account": {name: str(one.pk) for name, one in accounts.items()},
        "transfer": {name: str(one.pk) for name, one in paid.items()},
        "order": {name: str(one.pk) for name, one in orders.items()},
    }


def _user(email: str, name: str) -> User:
    user = User.objects.create_user(email, person.PASSWORD, name=name)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def _account(user: User, name: str) -> Account:
    return open_account(user, name=name, currency="GBP", type=Account.Type.CURRENT)


def _pay_in(account: Account, times: int) -> None:
    now = timezone.now()
    salary = internal_account(account.currency, "cash")
    for begin in range(0, times, AT_ONCE):
        postings = [
            bulk.Posting(salary.pk, account.pk, 100_00, "Wages" if n else LONG, "deposit", now)
            for n in range(begin, min(begin + AT_ONCE, times))
        ]
        bulk.post_all(postings)


def _transfers(sam: User, source: Account, own: Account, other: Account) -> dict[str, Transfer]:
    """Transfers within the bank are posted at once. The amount of a transfer to another bank decides its outcome."""
    inside: dict[str, dict[str, Any]] = {
        "to an own account": {"destination": own},
        "to a payee here": {"destination": other, "payee_name": "Jo Shapes", "payee_iban": other.iban},
    }
    made = {}
    for where, target in inside.items():
        with transaction.atomic():
            booked = ledger.post([(source, -1_00), (target["destination"], 1_00)], kind="transfer", description=where)
            values = {"status": "posted", "settled_at": timezone.now(), "transaction": booked}
            made[where] = _transfer(sam, source, where, 1_00, **target, **values)
    ends: dict[str, tuple[int, Callable[[UUID], object]]] = {
        "pending": (1_00, lambda pk: None),
        "posted": (1_00, payments.settle),
        "rejected": (91_01, payments.settle),
        "returned": (92_01, payments.settle),
        "cancelled": (1_00, transfers.cancel),
        "expired": (1_00, lambda pk: transfers.end(transfers.lock_transfer(pk), Transfer.Status.EXPIRED)),
    }
    for state, (amount_minor, end) in ends.items():
        with transaction.atomic():
            hold = ledger.hold(source, amount_minor, until=timezone.now() + timedelta(days=3))
            pending = _transfer(sam, source, state, amount_minor, hold=hold, status="pending", **ELSEWHERE)
        if end is payments.settle:
            end(pending.pk)
        else:
            with transaction.atomic():
                end(pending.pk)
        made[f"to another bank {state}"] = pending
    messages.deliver_due(also_later=True)
    for name, one in made.items():
        one.refresh_from_db()
        assert name.endswith(one.status) or not name.startswith("to another bank"), (name, one.status)
    return made


def _transfer(sam: User, source: Account, key: str, amount_minor: int, **values: Any) -> Transfer:
    return Transfer.objects.create(
        user=sam, client_id="demo-mobile", idempotency_key=key, source=source, currency=source.currency,
        amount_minor=amount_minor, reference=LONG, **values,
    )  # fmt: skip


def _orders(sam: User, source: Account, own: Account, other: Account) -> dict[str, ScheduledTransfer]:
    targets: dict[str, dict[str, Any]] = {
        "to an own account": {"destination": own},
        "to a payee here": {"destination": other, "payee_name": "Jo Shapes", "payee_iban": other.iban},
        "to another bank": ELSEWHERE,
    }
    day = timezone.localdate() + timedelta(days=9)
    states: dict[str, dict[str, Any]] = {
        "active": {"next_on": day},
        "refused today": {"next_on": day, "refusal": ScheduledTransfer.NotPaid.INSUFFICIENT_FUNDS},
        **{f"held {one}": {"status": "held", "held_reason": one} for one in ScheduledTransfer.HeldReason},
        "completed": {"status": "completed"},
        **{f"ended {one}": {"status": "cancelled", "end_reason": one} for one in ["", *ScheduledTransfer.EndReason]},
    }
    made = {}
    for where, target in targets.items():
        for state, values in states.items():
            key = f"{where} {state}"
            frequency = "once" if state == "completed" else "monthly"
            made[key] = ScheduledTransfer.objects.create(
                user=sam, client_id="demo-mobile", idempotency_key=key, source=source, currency=source.currency,
                amount_minor=1_00, reference=key, frequency=frequency, first_on=day, **target, **values,
            )  # fmt: skip
    return made
