"""The life of a payment order: set up, on hold, resumed, cancelled."""

from datetime import date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from banking import notices
from banking.models import ScheduledTransfer
from banking.orders.refusals import NotActive, NotHeld, TooManyOrders
from banking.payments import Order, check, queue
from banking.payments.strong_proof import StrongProofNeeded


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
    notices.enqueue_notice(notices.Kind.NEW_ORDER, made.pk)
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
    put_on_hold(order, reason)
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
                put_on_hold(order, ScheduledTransfer.HeldReason.APP_REMOVED)
            changed += 1
    return changed


def of_app(user_id: UUID, client_id: str) -> Any:
    """The user's open orders that an app set up."""
    return ScheduledTransfer.objects.filter(user_id=user_id, client_id=client_id, status__in=ScheduledTransfer.OPEN)


def _locked(scheduled_id: UUID) -> ScheduledTransfer:
    return ScheduledTransfer.objects.select_for_update(no_key=True, of=("self",)).get(pk=scheduled_id)


def put_on_hold(order: ScheduledTransfer, reason: str) -> None:
    order.status, order.next_on, order.held_reason = ScheduledTransfer.Status.HELD, None, reason
    order.save(update_fields=["status", "next_on", "held_reason"])


def _go_on(order: ScheduledTransfer) -> None:
    last = order.transfers.aggregate(last=Max("due_on"))["last"]
    order.next_on = order.first_from(timezone.localdate(), after=last)
    order.status = ScheduledTransfer.Status.ACTIVE if order.next_on else ScheduledTransfer.Status.COMPLETED
    order.held_reason = ""
    order.save(update_fields=["status", "next_on", "held_reason", "resumed_at"])
