"""Checks after the end of the simulation. Each function returns violations as text."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from banking.accounts.months import SETTLING, Month
from banking.accounts.opening import SUSPENSE
from banking.accounts.statements import statement_of
from banking.models import (
    Account,
    AccountCharge,
    AccountFreeze,
    BankDay,
    DayStep,
    DirectDebitRefund,
    Exchange,
    Hold,
    LedgerAudit,
    LedgerEntry,
    LedgerTransaction,
    ReversalRequest,
    ScheduledTransfer,
    SchemeMessage,
    SecondBankPayment,
    Transfer,
)
from banking.notation import bank_day
from banking.payments.incoming import INCOMING
from banking.payments.scheme import payment_of
from banking.payments.settlement import OUTGOING
from banking.second_bank.amounts import CLAIM_REFUSED, behaviour
from tests.simulation.desk import Desk
from tests.simulation.people import Person, Sent

# Entries on an account while it was frozen. Both are written under the lock of the account.
_PAID_WHILE_FROZEN = """
SELECT e.account_id, e.account_seq, e.booked_at
  FROM ledger_entry e
  JOIN LATERAL (SELECT status FROM account_act
                 WHERE account_id = e.account_id AND status <> '' AND at <= e.booked_at ORDER BY id DESC LIMIT 1) s ON true
 WHERE e.amount_minor < 0 AND s.status <> 'open'
   AND NOT EXISTS (SELECT FROM reversal_request WHERE reversal_id = e.transaction_id AND status = 'approved')
"""


def the_api_shows_what_it_told(person: Person) -> Iterator[str]:
    """The API returns every acknowledged transfer and order. Meanwhile, the background worker continues."""
    undone_before = _undone()
    transfers, orders = person.all_of("transfers"), person.all_of("scheduled-transfers")
    for sent in [*person.sent, *person.ordered]:
        shown = (transfers if sent.path == "transfers" else orders).get(str(sent.id))
        if sent.id is None:
            continue
        if shown is None:
            yield f"acknowledged and not shown: {sent}"
            continue
        if shown["amount"]["minor_units"] not in sent.amounts:
            yield f"another amount is shown: {shown} of {sent}"
        if sent.is_cancelled and shown["status"] != "cancelled":
            yield f"cancelled and shown as {shown['status']}: {sent}"
    undone_after = _undone()
    for pk, shown in transfers.items():
        if shown["reversed_by"] not in (undone_before.get(pk), undone_after.get(pk)):
            yield f"reversed by {undone_after.get(pk)}, and shown is {shown}"


def _undone() -> dict[str, str]:
    """Returns the transaction that reverses a transfer: a reversal by officers, or a return by the other bank."""
    reversals = LedgerTransaction.objects.exclude(reverses=None).values_list("reverses__transfer__pk", "pk")
    return {str(transfer): str(by) for transfer, by in reversals}


def transfers_are_as_told(sent: list[Sent]) -> Iterator[str]:
    """Every acknowledged transfer was made once, every other requested transfer at most once, and no others exist."""
    asked = Transfer.objects.filter(scheduled=None)
    stored = {one.idempotency_key: one for one in asked}
    assert asked.count() == len(stored)
    yield from (f"nobody asked for {key}" for key in stored.keys() - {one.key for one in sent})
    for one in sent:
        transfer = stored.get(one.key)
        if one.id and (transfer is None or str(transfer.pk) != one.id):
            yield f"acknowledged and not there: {one}"
        if one.refused_with and transfer is not None:
            yield f"refused and there: {one}"
        if transfer and transfer.amount_minor != one.amount_minor:
            yield f"another amount: {one}"
        if transfer and one.is_cancelled and transfer.status != "cancelled":
            yield f"cancelled and {transfer.status}: {one}"


def orders_are_paid_once_a_day(ordered: list[Sent], desk: Desk) -> Iterator[str]:
    """Every acknowledged order is stored. Each day that was due has one transfer, and none was made while the order was
    paused, on hold or cancelled."""
    stored = {one.idempotency_key: one for one in ScheduledTransfer.objects.all()}
    asked = {one.key: one for one in ordered}
    yield from (f"nobody ordered {key}" for key in stored.keys() - asked.keys())
    for key, sent in asked.items():
        order = stored.get(key)
        if sent.id and (order is None or str(order.pk) != sent.id):
            yield f"acknowledged and not there: {sent}"
        if order is not None:
            yield from _pays_as_ordered(order, sent, desk)


def _pays_as_ordered(order: ScheduledTransfer, sent: Sent, desk: Desk) -> Iterator[str]:
    made = list(order.transfers.order_by("due_on"))
    for transfer in made:
        if transfer.amount_minor not in sent.amounts:
            yield f"{transfer} of {order} has an amount that nobody ordered"
        for since, until in desk.quiet(str(order.pk)):
            if transfer.created_at > since and (until is None or transfer.created_at < until):
                yield f"{order.pk} paid at {transfer.created_at}, and was stopped from {since} to {until}"
    is_undisturbed = not desk.stops[str(order.pk)] and not desk.starts[str(order.pk)]
    if is_undisturbed and order.status in ("active", "completed") and order.resumed_at is None:
        due, day = [], order.schedule.first_after(None)
        while day is not None and day != order.next_on:
            due.append(day)
            day = order.day_after(day)
        if [one.due_on for one in made] != due and not ScheduledTransfer.objects.filter(
            pk=order.pk, status="held"
        ).exists():
            yield f"{order.pk} {order.status} was due on {due} and paid on {[one.due_on for one in made]}"
    is_tried_today = order.tried_on == desk.today
    if order.status == "active" and order.pays_on and order.pays_on < desk.today and not is_tried_today:
        yield f"{order.pk} is late: {order.pays_on}"


def removed_apps_did_nothing(desk: Desk) -> Iterator[str]:
    for (user_id, client_id), intervals in desk.removed.items():
        for since, until in intervals:
            for model in (Transfer, ScheduledTransfer):
                made = model.objects.filter(
                    user_id=user_id, client_id=client_id, created_at__gt=since, created_at__lt=until
                )
                yield from (f"{one.pk} was made at {one.created_at} by an app that was removed" for one in made)


def frozen_accounts_paid_nothing(desk: Desk) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(_PAID_WHILE_FROZEN)
        yield from (f"a frozen account paid: {row}" for row in cursor.fetchall())
    for account, times in desk.frozen.items():
        if AccountFreeze.objects.filter(account=account).count() < times:
            yield f"a freeze of {account} is gone"
    for account, times in desk.unfrozen.items():
        if AccountFreeze.objects.filter(account=account).exclude(unfrozen_by=None).count() < times:
            yield f"an unfreeze of {account} is gone"


def officers_acts_are_as_told(desk: Desk) -> Iterator[str]:
    """Each reversal was made exactly once, and only if a second officer has approved it."""
    decided = {one.pk: one for one in ReversalRequest.objects.all()}
    for pk, reversal in desk.approved.items():
        if (decided[pk].status, decided[pk].reversal_id) != ("approved", reversal):
            yield f"approved with {reversal}, and is {decided[pk]} {decided[pk].reversal_id}"
    yield from (f"declined, and is {decided[pk]}" for pk in desk.declined if decided[pk].status != "declined")
    approved = {one.reversal_id for one in decided.values() if one.status == "approved"}
    if len(approved) != sum(one.status == "approved" for one in decided.values()):
        yield "one transaction is the reversal of two requests"
    undoing = LedgerTransaction.objects.exclude(reverses=None).exclude(pk__in=_sent_back()).exclude(kind="refund")
    yield from (f"nobody approved {one.pk}" for one in undoing if one.pk not in approved)
    if undoing.values("reverses").distinct().count() != undoing.count():
        yield "a transaction was reversed twice"


def _sent_back() -> set[UUID]:
    """Returns transactions that reverse another one because the second bank has returned money or got its money
    back.
    """
    told = SchemeMessage.objects.values_list("transaction_id", "given_back_by_id")
    return {pk for pair in told for pk in pair if pk}


def direct_debits_are_as_told(desk: Desk) -> Iterator[str]:
    """Each acknowledged collection was made once, none with an ended mandate, and each refund was made once."""
    stored = {one.message_id: one for one in SchemeMessage.objects.filter(kind="collect").select_related("mandate")}
    for message_id, asked in desk.collections.items():
        found = stored.get(message_id)
        if asked.received and (found is None or (found.pk, found.status) != asked.received):
            yield f"answered with {asked.received}, and is {found}: {message_id}"
        if found and (found.amount_minor, found.payment_id) != (asked.amount_minor, asked.reference):
            yield f"another amount or mandate: {found} of {asked}"
    own = {f"collect-{one}" for one in SecondBankPayment.objects.values_list("payment_id", flat=True)}
    for message_id in stored.keys() - desk.collections.keys():
        if message_id.rpartition("-")[0] not in own:
            yield f"nobody collected {message_id}"
    for mandate_id, ended_at in desk.ended.items():
        late = LedgerEntry.objects.filter(
            transaction__scheme_message__mandate=mandate_id, amount_minor__lt=0, booked_at__gt=ended_at
        )
        yield from (f"collected at {one.booked_at} by {mandate_id}, which ended at {ended_at}" for one in late)
    refunds = {one.collection_id: one for one in DirectDebitRefund.objects.select_related("collection")}
    yield from (f"nobody asked for the money of {pk}" for pk in refunds.keys() - desk.refund_asked)
    for pk, refund_id in desk.refunded.items():
        if pk not in refunds or refunds[pk].pk != refund_id:
            yield f"refunded by {refund_id}, and is not: {pk}"
    for refund in refunds.values():
        is_contested = f"{refund.collection.amount_minor:04}".endswith(CLAIM_REFUSED)
        if refund.status != ("contested" if is_contested else "settled"):
            yield f"{refund.pk} is {refund.status} in the end"
    credits = LedgerTransaction.objects.filter(kind="refund")
    if credits.count() != len(refunds):
        yield f"{credits.count()} credits of {len(refunds)} refunds"


def holds_are_as_told(desk: Desk) -> Iterator[str]:
    holds = {one.pk: one for one in Hold.objects.all()}
    for pk, taken in desk.captured.items():
        if (holds[pk].status, holds[pk].captured_by_id) != ("captured", taken):
            yield f"taken by {taken}, and is {holds[pk].status}: {pk}"
    yield from (
        f"given back, and is {holds[pk].status}: {pk}" for pk in desk.released if holds[pk].status != "released"
    )
    yield from (f"pending in the end: {pk}" for pk, one in holds.items() if one.status == "pending")


def statements_add_up(people: Iterable[Person]) -> Iterator[str]:
    for person in people:
        for account, text in {(account, month) for account in person.accounts for month in _months()}:
            month = Month.parse(text)
            assert month
            made, after = statement_of(account, month), statement_of(account, month.next)
            entries = made.entries.aggregate(total=Sum("amount_minor"))["total"] or 0
            if made.opening_minor + entries != made.closing_minor or made.closing_minor != after.opening_minor:
                yield f"the statement of {account} for {text} does not add up: {made}"
            shown = person.statements.get((account, text))
            if shown and (shown["opening_balance"]["minor_units"], shown["closing_balance"]["minor_units"]) != (
                made.opening_minor, made.closing_minor,
            ):  # fmt: skip
                yield f"the statement of {account} for {text} was shown as {shown} and is {made}"


def balances_follow(opening: dict[Any, int]) -> Iterator[str]:
    """Calculates balances without the ledger's entries: the opening balance, less outgoing money, plus incoming and
    reversed money.
    """
    posted = Transfer.objects.filter(status__in=["posted", "returned"])
    paid_in = SchemeMessage.objects.filter(kind="payment", status="done")
    back = posted.filter(transaction__reversed_by__isnull=False)
    for account in Account.objects.filter(kind="customer"):
        out, came = _sum(posted.filter(source=account)), _sum(posted.filter(destination=account))
        out -= _sum(back.filter(source=account))
        came -= _sum(back.filter(destination=account))
        taken = _sum(Hold.objects.filter(account=account, status="captured", transfer=None))
        expected = opening[account.pk] - out + came - taken + _sum(paid_in.filter(account=account))
        collected = SchemeMessage.objects.filter(kind="collect", status="done", account=account)
        expected -= _sum(collected.filter(transaction__reversed_by=None))
        expected += _sum(AccountCharge.objects.filter(account=account, status="posted"))
        sold, bought = (Exchange.objects.filter(**{f"quote__{end}": account}) for end in ("source", "destination"))
        expected -= sold.aggregate(total=Sum("quote__sell_minor"))["total"] or 0
        expected += bought.aggregate(total=Sum("quote__buy_minor"))["total"] or 0
        if (account.posted_minor, account.held_minor) != (expected, 0):
            yield f"{account.pk} has {account.posted_minor}, held {account.held_minor}; expected {expected}"
    for row in Account.objects.order_by().values("currency").annotate(total=Sum("posted_minor")).exclude(total=0):
        yield f"the accounts of a currency do not sum to zero: {row}"


def the_second_bank_agrees(desk: Desk) -> Iterator[str]:
    """Each payment to the second bank was settled there once or released here, and the books of the second bank equal
    our clearing accounts.
    """
    books = {one.payment_id: one for one in SecondBankPayment.objects.all()}
    accepted = {pk: one for pk, one in books.items() if not behaviour(one.amount_minor, one.creditor_iban).reason}
    for transfer in Transfer.objects.filter(destination=None):
        payment_id = payment_of(transfer).payment_id
        there, is_paid_here = accepted.get(payment_id), transfer.status in ("posted", "returned")
        if is_paid_here and (there is None or there.amount_minor != transfer.amount_minor):
            yield f"{transfer.pk} is {transfer.status}, and the second bank has {there}"
        if transfer.status in ("cancelled", "expired") and payment_id in books:
            yield f"{transfer.pk} is {transfer.status}, and was handed over"
        if transfer.status == "rejected" and there is not None and payment_id not in _returned():
            yield f"{transfer.pk} is rejected, and the second bank was paid"
    for message_id, pk in desk.received.items():
        if SchemeMessage.objects.filter(message_id=message_id, pk=pk).count() != 1:
            yield f"received and not there: {message_id}"
    yield from _clearing_equals(sum(one.amount_minor for one in accepted.values()), desk)


def _returned() -> set[str]:
    """Returns the payments that the second bank has returned, or refused after it had accepted them."""
    told = SchemeMessage.objects.filter(kind="return") | SchemeMessage.objects.filter(kind="answer").exclude(
        reason_code=""
    )
    return set(told.values_list("payment_id", flat=True))


def _clearing_equals(accepted_minor: int, desk: Desk) -> Iterator[str]:
    returned = _sum(SecondBankPayment.objects.filter(payment_id__in=_returned()))
    received = SchemeMessage.objects.filter(kind="payment")
    theirs = accepted_minor - returned - _sum(received) + _sum(received.filter(status="given_back"))
    clearing = Account.objects.filter(kind="internal", name__regex=f"^({OUTGOING}|{INCOMING}) ")
    ours = clearing.aggregate(total=Sum("posted_minor"))["total"] or 0
    # Officers took it to suspense, because the account was frozen when the second bank had been paid.
    from_suspense = Transfer.objects.filter(status="posted", transaction__entries__account__name=SUSPENSE)
    ours += _sum(from_suspense.exclude(scheme_messages__status="suspense"))
    if ours != theirs:
        yield f"our clearing has {ours}, and the second bank says {theirs}"
    yield from (
        f"paid in twice: {one}"
        for one in received
        if one.message_id in desk.paid_in and (one.creditor_iban, one.amount_minor) != desk.paid_in[one.message_id]
    )


def every_day_is_closed() -> Iterator[str]:
    """Each step was done once, and each account with terms was charged for the month that has ended."""
    today = bank_day.day_of(timezone.now() - SETTLING)  # shortly after midnight, the previous day can still be open
    yield from (f"{day} is {day.status}" for day in BankDay.objects.filter(day__lt=today).exclude(status="closed"))
    undone = DayStep.objects.filter(done_at=None, day__status="closed")
    yield from (f"{step.day}: {step} is not done" for step in undone)
    if BankDay.objects.filter(day=date(2026, 10, 31), status="closed").exists():
        for account in Account.objects.exclude(product=None):
            charges = AccountCharge.objects.filter(account=account, month=date(2026, 10, 1))
            if set(charges.values_list("kind", flat=True)) != {"interest", "fee"}:
                yield f"{account.pk} was charged with {list(charges)} for October"


def every_audit_was_clean() -> Iterator[str]:
    yield from (f"an audit found {one.differences}" for one in LedgerAudit.objects.all() if not one.is_clean)


def _months() -> list[str]:
    return ["2026-08", "2026-09", "2026-10"]


def _sum(rows: Any) -> int:
    return rows.aggregate(total=Sum("amount_minor"))["total"] or 0
