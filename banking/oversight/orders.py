"""Staff hold, release or cancel payment orders, for example those of an app that was disabled."""

from collections.abc import Callable
from uuid import UUID

from django.db import transaction

from banking import notices, orders
from banking.models import ScheduledTransfer
from banking.oversight.audit import Officer, record
from banking.oversight.own_money import refuse_own_money


@transaction.atomic
def hold_order(order_id: UUID, *, by: Officer, reason: str) -> ScheduledTransfer:
    """The order pays nothing until staff release it. Its user is notified and may cancel it."""
    held = orders.hold(order_id, ScheduledTransfer.HeldReason.STAFF)
    _record("order_held", held, by, reason)
    notices.enqueue_notice(notices.Kind.ORDER_HELD, order_id)
    return held


def release_order(order_id: UUID, *, by: Officer, reason: str) -> ScheduledTransfer:
    return _change("order_released", orders.release, order_id, by, reason)


@transaction.atomic
def cancel_order(order_id: UUID, *, by: Officer, reason: str) -> ScheduledTransfer:
    """Ends the order, and notifies its user."""
    ended = _change("order_cancelled", orders.cancel, order_id, by, reason)
    notices.enqueue_notice(notices.Kind.ORDER_ENDED, order_id)
    return ended


@transaction.atomic
def _change(
    act: str, change: Callable[[UUID], ScheduledTransfer], order_id: UUID, by: Officer, reason: str
) -> ScheduledTransfer:
    """Raises OwnMoney for an officer who has access to one of the order's accounts."""
    changed = change(order_id)
    refuse_own_money(by, [changed.source_id, changed.destination_id])
    _record(act, changed, by, reason)
    return changed


def _record(act: str, order: ScheduledTransfer, by: Officer, reason: str) -> None:
    record(act, by=by, about=order.user_id, reason=f"Order {order.pk}: {reason}")
