"""Orders for days to come that the bank holds, releases or cancels, for example those of an app that was disabled."""

from uuid import UUID

from django.db import transaction

from banking import notices, orders
from banking.models import ScheduledTransfer
from banking.oversight import own_money
from banking.oversight.audit import Officer, record


@transaction.atomic
def hold_order(order_id: UUID, *, by: Officer, reason: str) -> ScheduledTransfer:
    """Nothing is paid by it until staff release it; its user is told, and may cancel it."""
    held = orders.hold(order_id, ScheduledTransfer.HeldReason.STAFF)
    _record("order_held", held, by, reason)
    notices.enqueue_notice(notices.Kind.ORDER_HELD, order_id)
    return held


@transaction.atomic
def release_order(order_id: UUID, *, by: Officer, reason: str) -> ScheduledTransfer:
    """Not by somebody with access to one of its accounts."""
    released = orders.release(order_id)
    own_money.check(by, [released.source_id, released.destination_id])
    _record("order_released", released, by, reason)
    return released


@transaction.atomic
def cancel_order(order_id: UUID, *, by: Officer, reason: str) -> ScheduledTransfer:
    """As `release_order`."""
    cancelled = orders.cancel(order_id)
    own_money.check(by, [cancelled.source_id, cancelled.destination_id])
    _record("order_cancelled", cancelled, by, reason)
    return cancelled


def _record(act: str, order: ScheduledTransfer, by: Officer, reason: str) -> None:
    record(act, by=by, about=order.user_id, reason=f"Order {order.pk}: {reason}")
