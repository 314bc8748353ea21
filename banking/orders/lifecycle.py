"""The life of a payment order: set up, on hold, resumed, cancelled. Every function runs in the caller's transaction."""

from datetime import date
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from banking import notices
from banking.models import ScheduledTransfer
from banking.notation import bank_day
from banking.orders.refusals import NotActive, NotHeld, TooManyOrders
from banking.payments.order import PaymentOrder, check_order
from banking.payments.payer_lock import lock_payer
from banking.payments.refusals import NotTheirs, StrongProofNeeded

_Orders = QuerySet[ScheduledTransfer]


def create(order: PaymentOrder, *, frequency: str, first_on: date, last_on: date | None) -> ScheduledTransfer:
    """Sets up an order; its user is notified. Raises StrongProofNeeded, for any amount, if the user has not just logged
    in (SCA-RTS art. 14), or TooManyOrders."""
    check_order(order)
    if not order.is_proven:
        raise StrongProofNeeded
    lock_payer(order.user_id)  # or parallel requests would each count the orders without the other
    theirs = ScheduledTransfer.objects.filter(user_id=order.user_id, status__in=ScheduledTransfer.OPEN)
    if theirs.count() >= settings.BANK_MOST_ORDERS:
        raise TooManyOrders
    made = ScheduledTransfer.objects.create(
        **order.as_scheduled(), frequency=frequency, first_on=first_on, last_on=last_on, next_on=first_on
    )
    notices.enqueue_notice(notices.Kind.NEW_ORDER, made.pk)
    return made


def cancel(scheduled_id: UUID, *, among: _Orders | None = None) -> ScheduledTransfer:
    """Ends an order; transfers that it has made stay. Raises NotActive if the order has ended, and NotTheirs if it is
    not in `among`, the orders that the user may cancel."""
    order = _locked(scheduled_id, among)
    if order.status not in ScheduledTransfer.OPEN:
        raise NotActive
    order.status, order.next_on, order.held_reason = ScheduledTransfer.Status.CANCELLED, None, ""
    order.save(update_fields=["status", "next_on", "held_reason"])
    return order


def hold(scheduled_id: UUID, reason: ScheduledTransfer.HeldReason) -> ScheduledTransfer:
    """The order pays nothing until it is resumed. Raises NotActive. Staff may take over an order that is on hold for
    another reason."""
    order = _locked(scheduled_id)
    is_taken_over = order.status == ScheduledTransfer.Status.HELD and reason == ScheduledTransfer.HeldReason.STAFF
    if order.status != ScheduledTransfer.Status.ACTIVE and not is_taken_over:
        raise NotActive
    put_on_hold(order, reason)
    return order


def resume(scheduled_id: UUID, *, is_proven: bool, among: _Orders | None = None) -> ScheduledTransfer:
    """The user resumes an order; from then on it goes on without the app that set it up.

    Raises NotHeld, also if staff hold it; StrongProofNeeded as for a new order; NotTheirs as `cancel` does.
    """
    order = _locked(scheduled_id, among)
    if order.status != ScheduledTransfer.Status.HELD or order.held_reason == ScheduledTransfer.HeldReason.STAFF:
        raise NotHeld
    if not is_proven:
        raise StrongProofNeeded
    order.resumed_at = timezone.now()
    _activate(order)
    return order


def release(scheduled_id: UUID) -> ScheduledTransfer:
    """Staff release an order that staff hold. Raises NotHeld. If the app behind it has ended, the order is on hold
    again from the next day that it is due, until its user resumes it."""
    order = _locked(scheduled_id)
    if order.held_reason != ScheduledTransfer.HeldReason.STAFF:
        raise NotHeld
    _activate(order)
    return order


def app_removed(user_id: UUID, client_id: str, *, is_cancelled: bool) -> None:
    """The user removed an app: its open orders are cancelled, or on hold until the user resumes them."""
    orders = ScheduledTransfer.objects.filter(
        user_id=user_id, client_id=client_id, status__in=ScheduledTransfer.OPEN
    ).select_for_update(no_key=True, of=("self",))
    with transaction.atomic():
        for order in orders.order_by("pk"):
            if is_cancelled:
                cancel(order.pk)
            elif order.status == ScheduledTransfer.Status.ACTIVE and order.resumed_at is None:
                put_on_hold(order, ScheduledTransfer.HeldReason.APP_REMOVED)


def put_on_hold(order: ScheduledTransfer, reason: str) -> None:
    order.status, order.next_on, order.held_reason = ScheduledTransfer.Status.HELD, None, reason
    order.save(update_fields=["status", "next_on", "held_reason"])


def _locked(scheduled_id: UUID, among: _Orders | None = None) -> ScheduledTransfer:
    if among is not None and not among.filter(pk=scheduled_id).exists():
        raise NotTheirs
    return ScheduledTransfer.objects.select_for_update(no_key=True, of=("self",)).get(pk=scheduled_id)


def _activate(order: ScheduledTransfer) -> None:
    last = order.transfers.aggregate(last=Max("due_on"))["last"]
    order.next_on = order.first_from(bank_day.today(), after=last)
    order.status = ScheduledTransfer.Status.ACTIVE if order.next_on else ScheduledTransfer.Status.COMPLETED
    order.held_reason = ""
    order.save(update_fields=["status", "next_on", "held_reason", "resumed_at"])
