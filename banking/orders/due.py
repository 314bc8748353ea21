"""Making the transfers of payment orders that are due.

The order's row is locked while a transfer is made, and the day it was due is unique per order. Therefore two background
workers, or one that is killed and started again, make it once.
"""

import logging
from datetime import date
from functools import partial
from uuid import UUID

from django.db import DatabaseError, transaction
from django.utils import timezone

from banking import ledger, notices, payments
from banking.consents.apps import find_apps
from banking.ledger.refusals import AccountNotOpen, LedgerRefusal
from banking.models import Account, ScheduledTransfer
from banking.orders.lifecycle import put_on_hold
from banking.payments import Order

logger = logging.getLogger(__name__)

#: The most transfers of one order in one run; the next run makes more.
MOST_AT_ONCE = 100


class NotAllMade(Exception):
    """Some orders failed; those are tried again in the next run."""


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
        put_on_hold(scheduled, reason)
        notices.enqueue_notice(notices.Kind.ORDER_HELD, scheduled.pk)
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
            payments.make(order)
    except LedgerRefusal as refusal:
        payments.refuse(order, refusal)
    scheduled.next_on = scheduled.day_after(day)
    if scheduled.next_on is None:
        scheduled.status = ScheduledTransfer.Status.COMPLETED
    scheduled.save(update_fields=["next_on", "status"])
    return True


def _ended(scheduled: ScheduledTransfer) -> str:
    """Why the app that set it up may no longer act for the user; empty while it may, or where the user resumed it."""
    if scheduled.resumed_at is not None:
        return ""
    app = find_apps(scheduled.user_id, [scheduled.client_id]).get(scheduled.client_id)
    return app.ended if app else ""


def _check_person(scheduled: ScheduledTransfer) -> None:
    """Who ordered it is still with us, and may still pay from there."""
    may_pay = Account.objects.of(scheduled.user_id, may_pay=True).filter(pk=scheduled.source_id)
    if not scheduled.user.is_active or not may_pay.exists():
        raise AccountNotOpen("Who ordered it may no longer pay from this account.")
