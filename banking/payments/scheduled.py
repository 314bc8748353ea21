"""Making the transfers that are due. The order's row is locked while one is made, and the day it was due is unique
per order: two workers, or one that was killed, make it once."""

import logging
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from banking import apps_of_users, ledger, notices
from banking.ledger.refusals import AccountNotOpen, LedgerRefusal
from banking.models import Account, ScheduledTransfer
from banking.payments import queue
from banking.payments.strong_proof import StrongProofNeeded
from banking.payments.transfers import Order, check, make, refuse

logger = logging.getLogger(__name__)

#: Of one order in one run; more are made in the next.
MOST_AT_ONCE = 100


class NotAllMade(Exception):
    """Some orders failed; those are tried again in the next run."""


class NotActive(LedgerRefusal):
    code = "scheduled_transfer_not_active"
    title = _("The order is completed or was cancelled before.")
    status = 409


class NotHeld(LedgerRefusal):
    code = "scheduled_transfer_not_held"
    title = _("The order is not on hold, or only the bank can release it.")
    status = 409


class TooManyOrders(LedgerRefusal):
    code = "too_many_orders"
    title = _("There are as many orders as one person may have. Cancel one first.")
    status = 409


def create(order: Order, *, frequency: str, first_on: date, last_on: date | None) -> ScheduledTransfer:
    """Inside the caller's transaction. Its owner is told. Raises StrongProofNeeded for each order where the user has
    not just logged in (SCA-RTS art. 14), or TooManyOrders."""
    check(order)
    if not order.is_proven:
        raise StrongProofNeeded
    queue.enter(order.user_id)  # or two orders at once would each be the last that may be
    theirs = ScheduledTransfer.objects.filter(user_id=order.user_id, status__in=ScheduledTransfer.OPEN)
    if theirs.count() >= settings.BANK_MOST_ORDERS:
        raise TooManyOrders
    made = ScheduledTransfer.objects.create(
        user_id=order.user_id,
        client_id=order.client_id,
        idempotency_key=order.key,
        fingerprint=order.fingerprint,
        source=order.source,
        destination=order.destination,
        payee_name=order.payee_name,
        payee_iban=order.payee_iban,
        currency=order.currency,
        amount_minor=order.amount_minor,
        reference=order.reference,
        frequency=frequency,
        first_on=first_on,
        last_on=last_on,
        next_on=first_on,
    )
    notices.tell_later(notices.Kind.NEW_ORDER, made.pk)
    return made


def cancel(scheduled_id: UUID) -> ScheduledTransfer:
    """Inside the caller's transaction; what it has made stays made. Raises NotActive."""
    order = _locked(scheduled_id)
    if order.status not in ScheduledTransfer.OPEN:
        raise NotActive
    order.status, order.next_on, order.held_reason = ScheduledTransfer.Status.CANCELLED, None, ""
    order.save(update_fields=["status", "next_on", "held_reason"])
    return order


def hold(scheduled_id: UUID, reason: ScheduledTransfer.HeldReason) -> ScheduledTransfer:
    """Inside the caller's transaction: nothing is paid by it until it is resumed. Raises NotActive. Staff may take over
    an order that is on hold for another reason."""
    order = _locked(scheduled_id)
    is_taken_over = order.status == ScheduledTransfer.Status.HELD and reason == ScheduledTransfer.HeldReason.STAFF
    if order.status != ScheduledTransfer.Status.ACTIVE and not is_taken_over:
        raise NotActive
    _hold(order, reason)
    return order


def resume(scheduled_id: UUID, *, is_proven: bool) -> ScheduledTransfer:
    """Inside the caller's transaction, by the user. From now on it goes on without the app that set it up. Raises
    NotHeld, also for what staff hold, or StrongProofNeeded as for a new order."""
    order = _locked(scheduled_id)
    if order.status != ScheduledTransfer.Status.HELD or order.held_reason == ScheduledTransfer.HeldReason.STAFF:
        raise NotHeld
    if not is_proven:
        raise StrongProofNeeded
    order.resumed_at = timezone.now()
    _go_on(order)
    return order


def release(scheduled_id: UUID) -> ScheduledTransfer:
    """Inside the caller's transaction, by staff, of what staff hold. Raises NotHeld. Where the app behind it has ended,
    it is held again on its day until its user resumes it."""
    order = _locked(scheduled_id)
    if order.held_reason != ScheduledTransfer.HeldReason.STAFF:
        raise NotHeld
    _go_on(order)
    return order


def app_removed(user_id: UUID, client_id: str, *, is_cancelled: bool) -> int:
    """The user removed an app: its open orders are cancelled, or on hold until the user resumes them. How many."""
    orders = of_app(user_id, client_id).select_for_update(no_key=True, of=("self",)).order_by("pk")
    changed = 0
    with transaction.atomic():
        for order in orders:
            if is_cancelled:
                cancel(order.pk)
            elif order.status == ScheduledTransfer.Status.ACTIVE and order.resumed_at is None:
                _hold(order, ScheduledTransfer.HeldReason.APP_REMOVED)
            changed += 1
    return changed


def of_app(user_id: UUID, client_id: str) -> Any:
    """The user's open orders that an app set up."""
    return ScheduledTransfer.objects.filter(user_id=user_id, client_id=client_id, status__in=ScheduledTransfer.OPEN)


def _locked(scheduled_id: UUID) -> ScheduledTransfer:
    return ScheduledTransfer.objects.select_for_update(no_key=True, of=("self",)).get(pk=scheduled_id)


def _hold(order: ScheduledTransfer, reason: str) -> None:
    order.status, order.next_on, order.held_reason = ScheduledTransfer.Status.HELD, None, reason
    order.save(update_fields=["status", "next_on", "held_reason"])


def _go_on(order: ScheduledTransfer) -> None:
    last = order.transfers.aggregate(last=Max("due_on"))["last"]
    order.next_on = order.first_from(timezone.localdate(), after=last)
    order.status = ScheduledTransfer.Status.ACTIVE if order.next_on else ScheduledTransfer.Status.COMPLETED
    order.held_reason = ""
    order.save(update_fields=["status", "next_on", "held_reason", "resumed_at"])


def run_due(*, today: date | None = None) -> int:
    """Makes what is due; how many transfers that were, refused ones included. One that cannot even be refused keeps
    nobody else's waiting: raises NotAllMade after the others."""
    today = today or timezone.localdate()
    due = ScheduledTransfer.objects.filter(status=ScheduledTransfer.Status.ACTIVE, next_on__lte=today)
    made, broken = 0, []
    for pk in list(due.order_by("next_on").values_list("pk", flat=True)):
        try:
            made += _make_due(pk, today)
        except DatabaseError:
            logger.exception("the order %s could not be made", pk)
            broken.append(str(pk))
    if broken:
        raise NotAllMade(f"{len(broken)} orders could not be made, see the log: {', '.join(broken[:10])}")
    return made


def _make_due(scheduled_id: UUID, today: date) -> int:
    for made in range(MOST_AT_ONCE):
        if not ledger.in_transaction(partial(_make_one, scheduled_id, today)):
            return made
    return MOST_AT_ONCE


def _make_one(scheduled_id: UUID, today: date) -> bool:
    orders = ScheduledTransfer.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    scheduled = orders.select_related("user", "source", "destination").filter(pk=scheduled_id).first()
    if scheduled is None or scheduled.next_on is None or scheduled.next_on > today:
        return False
    if reason := _ended(scheduled):
        _hold(scheduled, reason)
        notices.tell_later(notices.Kind.ORDER_HELD, scheduled.pk)
        return False
    day = scheduled.next_on
    order = Order(
        user_id=scheduled.user_id,
        client_id=scheduled.client_id,
        key=f"scheduled {scheduled.pk} {day}",  # with spaces, which no Idempotency-Key has: nobody can take it first
        source=scheduled.source,
        destination=scheduled.destination,
        payee_name=scheduled.payee_name,
        payee_iban=scheduled.payee_iban,
        amount_minor=scheduled.amount_minor,
        currency=scheduled.currency,
        reference=scheduled.reference,
        scheduled=scheduled,
        due_on=day,
    )
    try:
        with transaction.atomic():
            _check_person(scheduled)
            make(order)
    except LedgerRefusal as refusal:
        refuse(order, refusal)
    scheduled.next_on = scheduled.day_after(day)
    if scheduled.next_on is None:
        scheduled.status = ScheduledTransfer.Status.COMPLETED
    scheduled.save(update_fields=["next_on", "status"])
    return True


def _ended(scheduled: ScheduledTransfer) -> str:
    """Why the app that set it up may no longer act for the user; empty while it may, or where the user resumed it."""
    if scheduled.resumed_at is not None:
        return ""
    app = apps_of_users.find(scheduled.user_id, [scheduled.client_id]).get(scheduled.client_id)
    return app.ended if app else ""


def _check_person(scheduled: ScheduledTransfer) -> None:
    """Who ordered it is still with us, and may still pay from there."""
    may_pay = Account.objects.of(scheduled.user_id, may_pay=True).filter(pk=scheduled.source_id)
    if not scheduled.user.is_active or not may_pay.exists():
        raise AccountNotOpen("Who ordered it may no longer pay from this account.")
