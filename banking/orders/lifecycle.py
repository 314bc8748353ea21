"""The lifecycle of a payment order: set up, changed, paused, on hold, resumed, ended. Every function runs in the
caller's transaction.
"""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from banking import notices
from banking.database import jobs
from banking.ledger.refusals import AccountNotOpen, AmountOutOfRange
from banking.models import Account, ScheduledTransfer
from banking.models.ledger import MAX_AMOUNT_MINOR
from banking.models.schedule import pays_on
from banking.notation import bank_day
from banking.orders.refusals import NoDay, NotActive, NotHeld, OfAnotherUser, TooManyOrders
from banking.payments.new_payee_limit import refuse_alone
from banking.payments.order import PaymentOrder
from banking.payments.payer_lock import lock_payer
from banking.payments.refusals import NotTheirs, StrongProofNeeded

_Orders = QuerySet[ScheduledTransfer]
_STATE = ["status", "next_on", "held_reason", "hold_after_release", "tried_on", "retry_at", "refusal"]
#: The job that makes the transfers of one order that are due.
PAY = "banking.pay_order"
#: The fields that a user may change. Another payee, account or interval needs a new order.
CHANGEABLE = frozenset({"amount_minor", "reference", "last_on", "execution_rule"})


def create(
    order: PaymentOrder,
    *,
    frequency: str,
    first_on: date,
    last_on: date | None = None,
    interval: int = 1,
    execution_rule: str = ScheduledTransfer.ExecutionRule.SAME_DAY,
) -> ScheduledTransfer:
    """Sets up an order and notifies its user. Raises StrongProofNeeded, for any amount, if the user has not just logged
    in (SCA-RTS art. 14), or a Refusal if the transfer of the first day could not be made.
    """
    if not order.is_proven:
        raise StrongProofNeeded
    if order.source.status != Account.Status.OPEN:
        raise AccountNotOpen
    lock_payer(order.user_id)  # otherwise parallel requests would not count each other's orders
    theirs = ScheduledTransfer.objects.filter(user_id=order.user_id, status__in=ScheduledTransfer.OPEN)
    if theirs.count() >= settings.BANK_MOST_ORDERS:
        raise TooManyOrders
    made = ScheduledTransfer(
        **order.as_scheduled(),
        frequency=frequency,
        interval=interval,
        first_on=first_on,
        last_on=last_on,
        execution_rule=execution_rule,
    )
    made.next_on = made.schedule.first_after(None)
    if made.next_on is None:
        raise NoDay
    _refuse_too_much(made)
    made.save(force_insert=True)
    notices.enqueue_notice(notices.Kind.NEW_ORDER, made.pk)
    _pay_today(made)
    return made


def change(
    scheduled_id: UUID, changes: Mapping[str, Any], *, by: UUID, is_proven: bool, among: _Orders | None = None
) -> ScheduledTransfer:
    """Changes `amount_minor`, `reference`, `last_on` or `execution_rule` of an order that has not ended, for the user
    who set it up.

    Raises OfAnotherUser; NotActive; StrongProofNeeded as for a new order; NoDay if no day is left; LimitExceeded;
    NotTheirs as `cancel` does; or AmountOutOfRange.
    """
    order = _locked(scheduled_id, among)
    _refuse_another_user(order, by)
    if order.status not in ScheduledTransfer.OPEN:
        raise NotActive
    if not is_proven:
        raise StrongProofNeeded
    for name in changes.keys() & CHANGEABLE:
        setattr(order, name, changes[name])
    if not 0 < order.amount_minor <= MAX_AMOUNT_MINOR:
        raise AmountOutOfRange(field="amount")
    last = order.last_on
    if last is not None and (last < order.first_on or (order.next_on is not None and order.next_on > last)):
        raise NoDay
    _refuse_too_much(order)
    # A payment that was refused today may now be paid.
    order.retry_at = None
    order.save(update_fields=[*CHANGEABLE, "retry_at"])
    _pay_today(order)
    return order


def cancel(scheduled_id: UUID, *, by: UUID | None = None, among: _Orders | None = None) -> ScheduledTransfer:
    """Ends an order; transfers that the order has made stay. Its user is notified if another user (`by`) ends it.
    Raises NotActive if the order has ended, and NotTheirs if it is not in `among`, the orders that the user may cancel.
    """
    order = _locked(scheduled_id, among)
    if order.status not in ScheduledTransfer.OPEN:
        raise NotActive
    end(order)
    if by not in (None, order.user_id):
        notices.enqueue_notice(notices.Kind.ORDER_ENDED, order.pk)
    return order


def pause(scheduled_id: UUID, *, by: UUID | None = None, among: _Orders | None = None) -> ScheduledTransfer:
    """Makes the order pay nothing until its user resumes it; see `first_from` for days that pass meanwhile. The user is
    notified if another user (`by`) pauses it. Raises NotActive, and NotTheirs as `cancel` does.
    """
    order = _locked(scheduled_id, among)
    if order.status != ScheduledTransfer.Status.ACTIVE:
        raise NotActive
    put_on_hold(order, ScheduledTransfer.HeldReason.PAUSED)
    if by not in (None, order.user_id):
        notices.enqueue_notice(notices.Kind.ORDER_HELD, order.pk)
    return order


def hold(scheduled_id: UUID, reason: ScheduledTransfer.HeldReason) -> ScheduledTransfer:
    """Makes the order pay nothing until it is resumed or released. Raises NotActive. Staff may also hold an order that
    is on hold for another reason, which applies again after they release it.
    """
    order = _locked(scheduled_id)
    before = order.held_reason
    is_taken_over = order.status == ScheduledTransfer.Status.HELD and reason == ScheduledTransfer.HeldReason.STAFF
    if order.status != ScheduledTransfer.Status.ACTIVE and not is_taken_over:
        raise NotActive
    if before != reason:
        put_on_hold(order, reason, after_release=before)
    return order


def resume(
    scheduled_id: UUID, *, by: UUID, is_proven: bool, among: _Orders | None = None, only_paused: bool = False
) -> ScheduledTransfer:
    """Resumes an order for its user. An order whose app was removed then continues without the app. An app may resume
    only paused orders (`only_paused`).

    Raises OfAnotherUser; NotHeld, also for an order that staff hold; StrongProofNeeded as for a new order; NotTheirs as
    `cancel` does.
    """
    order = _locked(scheduled_id, among)
    _refuse_another_user(order, by)
    is_paused = order.held_reason == ScheduledTransfer.HeldReason.PAUSED
    if order.status != ScheduledTransfer.Status.HELD or order.held_reason == ScheduledTransfer.HeldReason.STAFF:
        raise NotHeld
    if only_paused and not is_paused:
        raise NotHeld
    if not is_proven:
        raise StrongProofNeeded
    if not is_paused:
        order.resumed_at = timezone.now()
    _activate(order)
    return order


def release(scheduled_id: UUID) -> ScheduledTransfer:
    """Releases an order that staff hold. Raises NotHeld. An order that was on hold before, or whose app was removed
    since, stays on hold until its user resumes it.
    """
    order = _locked(scheduled_id)
    if order.held_reason != ScheduledTransfer.HeldReason.STAFF:
        raise NotHeld
    if order.hold_after_release:
        put_on_hold(order, order.hold_after_release)
        notices.enqueue_notice(notices.Kind.ORDER_HELD, order.pk)
    else:
        _activate(order)
    return order


def orders_of_apps(user_id: UUID, client_ids: Collection[str]) -> _Orders:
    """The user's open orders that depend on these apps: not those that the user has resumed without the app."""
    return ScheduledTransfer.objects.filter(
        user_id=user_id, client_id__in=client_ids, status__in=ScheduledTransfer.OPEN, resumed_at=None
    )


def app_removed(user_id: UUID, client_id: str, *, is_cancelled: bool) -> None:
    """Cancels the orders of an app that the user has removed, or puts them on hold until the user resumes them."""
    orders = orders_of_apps(user_id, [client_id]).select_for_update(no_key=True, of=("self",))
    with transaction.atomic():
        for order in orders.order_by("pk"):
            if is_cancelled:
                cancel(order.pk)
            else:
                app_ended(order, ScheduledTransfer.HeldReason.APP_REMOVED)


def app_ended(order: ScheduledTransfer, reason: str) -> bool:
    """Puts an active or paused order on hold because its app has lost its access. If staff hold the order, `reason`
    keeps it on hold after they release it. Returns whether the order is on hold for this reason now.
    """
    if order.held_reason in ("", ScheduledTransfer.HeldReason.PAUSED):
        put_on_hold(order, reason)
        return True
    if order.held_reason == ScheduledTransfer.HeldReason.STAFF:
        order.hold_after_release = reason
        order.save(update_fields=["hold_after_release"])
    return False


def put_on_hold(order: ScheduledTransfer, reason: str, *, after_release: str = "") -> None:
    _set_state(order, ScheduledTransfer.Status.HELD, reason)
    order.next_on, order.hold_after_release = None, after_release
    _forget_attempts(order)
    order.save(update_fields=_STATE)


def end(order: ScheduledTransfer, reason: str = "") -> None:
    """`reason` is an EndReason if the bank ends the order."""
    _set_state(order, ScheduledTransfer.Status.CANCELLED)
    order.next_on, order.end_reason = None, reason
    _forget_attempts(order)
    order.save(update_fields=[*_STATE, "end_reason"])


def go_on(order: ScheduledTransfer, day: date) -> None:
    """Moves the order to its next day, after the payment of this day was made or finally refused."""
    order.next_on = order.day_after(day)
    if order.next_on is None:
        order.status = ScheduledTransfer.Status.COMPLETED
    _forget_attempts(order)
    order.save(update_fields=_STATE)


def _forget_attempts(order: ScheduledTransfer) -> None:
    order.tried_on, order.retry_at, order.refusal = None, None, ""


def _refuse_too_much(order: ScheduledTransfer) -> None:
    """Raises LimitExceeded for an amount that the payee cannot get on any day of the order."""
    if order.payee_iban and order.next_on:
        at = bank_day.begins_at(order.next_on)
        refuse_alone(order.user_id, order.payee_iban, order.amount_minor, order.currency, at=at)


def _refuse_another_user(order: ScheduledTransfer, by: UUID) -> None:
    """An order pays by the limits and the payees of the user who set it up. Others who may pay from the account can
    stop it, but not make it pay more.
    """
    if order.user_id != by:
        raise OfAnotherUser


def _locked(scheduled_id: UUID, among: _Orders | None = None) -> ScheduledTransfer:
    if among is not None and not among.filter(pk=scheduled_id).exists():
        raise NotTheirs
    return ScheduledTransfer.objects.select_for_update(no_key=True, of=("self",)).get(pk=scheduled_id)


def _activate(order: ScheduledTransfer) -> None:
    last = order.transfers.aggregate(last=Max("due_on"))["last"]
    order.next_on = order.first_from(bank_day.today(), after=last)
    _set_state(order, ScheduledTransfer.Status.ACTIVE if order.next_on else ScheduledTransfer.Status.COMPLETED)
    _forget_attempts(order)
    order.save(update_fields=[*_STATE, "resumed_at"])
    _pay_today(order)


def _pay_today(order: ScheduledTransfer) -> None:
    """Pays at once what is due today: the next regular run may be after midnight, and the payment would be of another
    day than the user asked for.
    """
    if order.next_on is not None and pays_on(order.next_on, order.execution_rule) <= bank_day.today():
        jobs.defer(PAY, order_id=str(order.pk))


def _set_state(order: ScheduledTransfer, status: str, held_reason: str = "") -> None:
    order.status, order.held_reason, order.hold_after_release = status, held_reason, ""
