"""Making the transfers of payment orders that are due.

The order's row is locked while a transfer is made, and the day it was due is unique per order. Therefore two background
workers, or one that is killed and started again, make it once.
"""

import logging
from datetime import date
from functools import partial
from uuid import UUID

from django.db import DatabaseError, transaction

from banking import ledger, notices, payments
from banking.consents.apps import find_apps
from banking.ledger.refusals import AccountNotOpen, Refusal
from banking.models import Account, ScheduledTransfer
from banking.notation import bank_day
from banking.orders.lifecycle import put_on_hold
from banking.payments import PaymentOrder

logger = logging.getLogger(__name__)

#: The most transfers of one order in one run; the next run makes more.
MOST_AT_ONCE = 100


class NotAllMade(Exception):
    """Some orders failed; the next run tries them again."""


def run_due(*, today: date | None = None) -> int:
    """Makes the transfers that are due and returns how many, rejected ones included. If an order fails, it still makes
    the others, and then raises NotAllMade."""
    today = today or bank_day.today()
    due = ScheduledTransfer.objects.filter(status=ScheduledTransfer.Status.ACTIVE, next_on__lte=today)
    made, failed = 0, []
    for pk in list(due.order_by("next_on").values_list("pk", flat=True)):
        try:
            made += _make_due(pk, today)
        except DatabaseError:
            logger.exception("The payment order %s failed", pk)
            failed.append(str(pk))
    if failed:
        raise NotAllMade(f"{len(failed)} payment orders failed, see the log: {', '.join(failed[:10])}")
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
    if reason := _reason_app_ended(scheduled):
        put_on_hold(scheduled, reason)
        notices.enqueue_notice(notices.Kind.ORDER_HELD, scheduled.pk)
        return False
    day = scheduled.next_on
    order = PaymentOrder.due(scheduled, day)
    try:
        with transaction.atomic():
            _check_user(scheduled)
            payments.make(order)
    except Refusal as refusal:
        payments.reject(order, refusal)
    scheduled.next_on = scheduled.day_after(day)
    if scheduled.next_on is None:
        scheduled.status = ScheduledTransfer.Status.COMPLETED
    scheduled.save(update_fields=["next_on", "status"])
    return True


def _reason_app_ended(scheduled: ScheduledTransfer) -> str:
    """The reason why the app that set up the order may no longer act for the user. Empty if it may, or if the user has
    resumed the order."""
    if scheduled.resumed_at is not None:
        return ""
    app = find_apps(scheduled.user_id, [scheduled.client_id]).get(scheduled.client_id)
    return app.ended if app else ""


def _check_user(scheduled: ScheduledTransfer) -> None:
    """Raises AccountNotOpen if the user is no longer active or may no longer pay from the account."""
    may_pay = Account.objects.of_user(scheduled.user_id, may_pay=True).filter(pk=scheduled.source_id)
    if not scheduled.user.is_active or not may_pay.exists():
        raise AccountNotOpen("The user who set up the order may no longer pay from this account.")
