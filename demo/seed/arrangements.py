"""The customers' arrangements with the bank: shared accounts, payees, payment orders and pending transfers."""

import calendar
from datetime import date, datetime, timedelta
from uuid import UUID

from procrastinate.contrib.django import app
from uuid_utils.compat import uuid7

from accounts.models import User
from banking import ledger
from banking.models import Account, AccountAccess, Mandate, Payee, Role, ScheduledTransfer, SchemeMessage, Transfer
from banking.payments.decision import LONGEST_PENDING
from banking.payments.transfers import SETTLE
from demo.seed import history
from demo.seed.history import Event, Pot

_CLIENT = "demo-mobile"
_ELSEWHERE = [("Mill Lane Lettings", "GB33BUKB20201555555555"), ("Maison Verte", "FR1420041010050500013M02606")]

ALICE, BOB, DAN, ERIN = (f"{name}@demo.test" for name in ("alice", "bob", "dan", "erin"))


def make(pots: dict[Pot, Account], booked: list[tuple[Event, UUID]], *, now: datetime) -> None:
    """Creates the arrangements of accounts that were just opened and filled."""
    for pot, account in pots.items():
        if pot.name == history.JOINT:
            _let_in(DAN, account, Role.HOLDER)
    _transfers(pots, booked, _standing_orders(pots, booked, now=now))
    _mandates(pots, booked)
    everyday = pots.get(Pot(ALICE, history.EVERYDAY))
    if everyday is None:
        return
    _let_in(ERIN, everyday, Role.READER)
    known_since = now - timedelta(days=200)
    payees = [*_ELSEWHERE]
    if of_bob := pots.get(Pot(BOB, history.EVERYDAY)):
        payees.insert(0, ("Bob Baker", of_bob.iban or ""))
    Payee.objects.bulk_create(
        Payee(user=everyday.holder, name=name, iban=iban, created_at=known_since) for name, iban in payees
    )
    _pending_transfer(everyday, now=now)


def _let_in(email: str, account: Account, role: Role) -> None:
    if user := User.objects.filter(email=email).first():
        AccountAccess.objects.get_or_create(account=account, user=user, defaults={"role": role})


def _standing_orders(
    pots: dict[Pot, Account], booked: list[tuple[Event, UUID]], *, now: datetime
) -> dict[Pot, ScheduledTransfer]:
    """The standing orders of the monthly saving, by the account that pays."""
    first: dict[Pot, Event] = {}
    for event, _ in booked:
        if event.description == history.SAVING and isinstance(event.source, Pot):
            first.setdefault(event.source, event)
    orders = {
        pot: ScheduledTransfer(
            id=_id(event.at),
            user=pots[pot].holder,
            client_id=_CLIENT,
            idempotency_key="demo-monthly-saving",
            source=pots[pot],
            destination=pots[Pot(pot.email, history.SAVINGS)],
            currency=pots[pot].currency,
            amount_minor=event.amount_minor,
            reference=history.SAVING,
            frequency=ScheduledTransfer.Frequency.MONTHLY,
            first_on=event.at.date(),
            next_on=_next(now.date(), history.SAVING_DAY),
            created_at=event.at - timedelta(days=1),
        )
        for pot, event in first.items()
    }
    ScheduledTransfer.objects.bulk_create(orders.values())
    return orders


def _mandates(pots: dict[Pot, Account], booked: list[tuple[Event, UUID]]) -> None:
    """Mandates for the creditors that have collected by direct debit, and a message for each collection."""
    mandates: dict[tuple[Pot, str], Mandate] = {}
    messages = []
    for event, transaction_id in booked:
        if event.destination != history.DIRECT_DEBITS or not isinstance(event.source, Pot):
            continue
        mandate = mandates.setdefault(
            (event.source, event.description),
            Mandate(
                id=_id(event.at),
                account=pots[event.source],
                creditor_id="DEMO",
                reference=f"{(pots[event.source].iban or '')[-8:]}-{len(mandates) + 1:02}",
                creditor_name=event.description,
                sequence=Mandate.Sequence.RECURRING,
                created_at=event.at - timedelta(days=7),
            ),
        )
        mandate.collected, mandate.last_minor, mandate.last_at = mandate.collected + 1, event.amount_minor, event.at
        messages.append(
            SchemeMessage(
                id=_id(event.at),
                message_id=f"demo:{transaction_id}",
                kind=SchemeMessage.Kind.COLLECTION,
                status=SchemeMessage.Status.DONE,
                mandate=mandate,
                creditor_id=mandate.creditor_id,
                payment_id=mandate.reference,
                account=mandate.account,
                amount_minor=event.amount_minor,
                currency=mandate.account.currency,
                transaction_id=transaction_id,
                received_at=event.at,
            )
        )
    Mandate.objects.bulk_create(mandates.values())
    SchemeMessage.objects.bulk_create(messages)


def _transfers(
    pots: dict[Pot, Account], booked: list[tuple[Event, UUID]], orders: dict[Pot, ScheduledTransfer]
) -> None:
    """Transfer rows for the payments from one account of the bank to another."""
    transfers = []
    for event, transaction_id in booked:
        if isinstance(event.source, str) or isinstance(event.destination, str):
            continue
        source, destination = pots[event.source], pots[event.destination]
        assert source.holder
        assert destination.holder
        is_own = source.holder == destination.holder
        order = orders.get(event.source) if event.description == history.SAVING else None
        transfers.append(
            Transfer(
                id=_id(event.at),
                user=source.holder,
                client_id=_CLIENT,
                idempotency_key=f"demo:{transaction_id}",
                source=source,
                destination=destination,
                payee_name="" if is_own else destination.holder.name,
                payee_iban="" if is_own else destination.iban or "",
                currency=source.currency,
                amount_minor=event.amount_minor,
                reference=event.description,
                status=Transfer.Status.POSTED,
                created_at=event.at,
                settled_at=event.at,
                transaction_id=transaction_id,
                scheduled=order,
                due_on=event.at.date() if order else None,
            )
        )
    Transfer.objects.bulk_create(transfers)


def _pending_transfer(source: Account, *, now: datetime) -> None:
    """A transfer to another bank. Its money is held, and it is handed over in three days unless somebody cancels it."""
    amount_minor = 18_000
    name, iban = _ELSEWHERE[0]
    assert source.holder
    transfer = Transfer.objects.create(
        user=source.holder,
        client_id=_CLIENT,
        idempotency_key="demo-pending-transfer",
        source=source,
        payee_name=name,
        payee_iban=iban,
        currency=source.currency,
        amount_minor=amount_minor,
        reference="New front door, our half",
        status=Transfer.Status.PENDING,
        created_at=now,
        hold=ledger.hold(source, amount_minor, until=now + LONGEST_PENDING),
    )
    app.configure_task(SETTLE, queue="settlement", schedule_in={"days": 3}).defer(transfer_id=str(transfer.pk))


def _id(at: datetime) -> UUID:
    """An id whose sort order follows the time, as all ids of transfers do."""
    return uuid7(nanoseconds=int(at.timestamp() * 10**9))


def _next(today: date, day: int) -> date:
    """The next date with this day of the month, after today."""
    if today.day < day:
        return today.replace(day=day)
    first_of_next = today.replace(day=1) + timedelta(days=calendar.monthrange(today.year, today.month)[1])
    return first_of_next.replace(day=day)
