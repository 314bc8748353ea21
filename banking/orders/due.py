"""Making the transfers of payment orders that are due.

The order's row is locked while a transfer is made, and its due day is unique per order. So each transfer is made once,
even by two background workers, or by one that is killed and started again.
"""

import logging
from collections.abc import Iterable
from datetime import date, timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet

from banking import ledger, notices, payments
from banking.consents.apps import Access, find_apps
from banking.ledger.refusals import AccountNotOpen, InsufficientFunds, Refusal
from banking.models import Account, ScheduledTransfer
from banking.models.schedule import MOST_DAYS_CLOSED, ExecutionRule, pays_on
from banking.notation import bank_day, business_days
from banking.notices import Kind
from banking.orders import lifecycle
from banking.payments import PaymentOrder
from banking.payments.refusals import LimitExceeded, NotTheirs, OwnLimitExceeded
from oauth.infrastructure import clock

logger = logging.getLogger(__name__)
#: The scope that an app needs to pay.
_PAY = "transfers:write"

#: The maximum number of transfers of one order in one run; the next run makes the rest.
MOST_AT_ONCE = 100
#: The time between two attempts on a bank day.
RETRY_AFTER = timedelta(hours=2)
#: Refusals that may be temporary, after which a payment is tried again on the same day.
_MAY_PASS = (InsufficientFunds, AccountNotOpen, LimitExceeded, OwnLimitExceeded)


class NotAllMade(Exception):
    """Some orders failed; the next run tries them again."""


def run_due(*, today: date | None = None) -> int:
    """Makes the transfers that are due and returns their number, rejected ones included. If an order fails, makes those
    of the others, and then raises NotAllMade.
    """
    today = today or bank_day.today()
    is_due = Q(next_on__lte=today) | Q(next_on__lte=today + MOST_DAYS_CLOSED, execution_rule=ExecutionRule.PRECEDING)
    is_time = Q(retry_at=None) | Q(retry_at__lte=clock.now()) | Q(tried_on__lt=today)
    due = ScheduledTransfer.objects.filter(is_due & is_time, status=ScheduledTransfer.Status.ACTIVE)
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


def pay(scheduled_id: UUID) -> None:
    """Makes the transfers of one order that are due."""
    _make_due(scheduled_id, bank_day.today())


def hold_if_app_ended(apps: Iterable[tuple[UUID, str]]) -> None:
    """Puts the orders of these apps (user, client) on hold if the app has lost its access, which otherwise happens on
    their next due day. Call it, in a transaction, before the reason is forgotten.
    """
    for user_id, client_id in sorted(apps):
        app = find_apps(user_id, [client_id]).get(client_id)
        if app is None or app.live or not app.ended:
            continue
        _hold(lifecycle.orders_of_apps(user_id, [client_id]), app.ended)


def hold_orders_of_deleted_app(client_id: str) -> None:
    """Puts the orders of an app on hold, for all users. Call it in the transaction that deletes the app.

    On the next due day, another app may have the same client ID, for example the URL of its metadata document. Nobody
    has allowed that app.
    """
    theirs = ScheduledTransfer.objects.filter(client_id=client_id, status__in=ScheduledTransfer.OPEN, resumed_at=None)
    _hold(theirs, ScheduledTransfer.HeldReason.APP_DISABLED)


def _hold(found: QuerySet[ScheduledTransfer], reason: str) -> None:
    for order in found.select_for_update(no_key=True, of=("self",)).order_by("pk"):
        if lifecycle.app_ended(order, reason):
            notices.enqueue_notice(Kind.ORDER_HELD, order.pk)


def _make_due(scheduled_id: UUID, today: date) -> int:
    for made in range(MOST_AT_ONCE):
        if not ledger.in_transaction(partial(_make_one, scheduled_id, today)):
            return made
    return MOST_AT_ONCE


def _make_one(scheduled_id: UUID, today: date) -> bool:
    """Makes the transfer of one day, or stores that it was refused. Returns False if nothing else can be done for the
    order in this run.
    """
    orders = ScheduledTransfer.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    scheduled = orders.select_related("user", "source", "destination").filter(pk=scheduled_id).first()
    if scheduled is None or scheduled.next_on is None:
        return False
    day = scheduled.next_on
    if reason := _why_on_hold(scheduled):
        lifecycle.put_on_hold(scheduled, reason)
        notices.enqueue_notice(Kind.ORDER_HELD, scheduled.pk)
        return False
    if scheduled.tried_on is not None and scheduled.tried_on < today:
        return _refused(scheduled, day, scheduled.refusal)
    if not _is_payable(scheduled, day, today):
        return False
    if ended := _why_ended(scheduled):
        return _end(scheduled, day, ended)
    if _is_missed(scheduled, day, today):
        return _refused(scheduled, day, ScheduledTransfer.NotPaid.MISSED, is_told=not _is_next_missed(scheduled, today))
    try:
        with transaction.atomic():
            # Prepares the transfer by the rules that apply today.
            payments.make(PaymentOrder.due(scheduled, day))
    except _MAY_PASS as refusal:
        return _try_again(scheduled, refusal.code, today)
    except Refusal as refusal:
        return _refused(scheduled, day, refusal.code)
    except NotTheirs:
        return _end(scheduled, day, ScheduledTransfer.EndReason.ACCESS_ENDED)
    lifecycle.go_on(scheduled, day)
    return True


def _why_on_hold(scheduled: ScheduledTransfer) -> str:
    """Why the order pays nothing until its user resumes it: the user was deactivated, or the app that set up the order
    may no longer pay for the user from this account, or for anybody. Empty if the order pays, also if its user has
    resumed it without the app.
    """
    if not scheduled.user.is_active:
        return ScheduledTransfer.HeldReason.USER_INACTIVE
    if scheduled.resumed_at is not None:
        return ""
    app = find_apps(scheduled.user_id, [scheduled.client_id]).get(scheduled.client_id)
    if app is None or app.ended:
        return app.ended if app else ""
    if app.allowed_scopes is not None and _PAY not in app.allowed_scopes:
        return ScheduledTransfer.HeldReason.APP_NARROWED
    if not app.live or any(_may_pay_from(scheduled.source_id, access) for access in app.live):
        return ""
    return ScheduledTransfer.HeldReason.APP_NARROWED


def _may_pay_from(account_id: UUID, access: Access) -> bool:
    if _PAY not in access.scopes:
        return False
    return Account.objects.filter(pk=account_id).named_by(access.authorization_details, "payments").exists()


def _why_ended(scheduled: ScheduledTransfer) -> str:
    """Why the order can make no further payment; empty if it can."""
    if scheduled.source.status == Account.Status.CLOSED:
        return ScheduledTransfer.EndReason.ACCOUNT_CLOSED
    if scheduled.destination and scheduled.destination.status == Account.Status.CLOSED:
        return ScheduledTransfer.EndReason.PAYEE_CLOSED
    # Without a payee's IBAN, the order pays to an account of the user, who must still have access to it, too.
    own = {scheduled.source_id}
    if scheduled.destination_id and not scheduled.payee_iban:
        own.add(scheduled.destination_id)
    theirs = Account.objects.of_user(scheduled.user_id, may_pay=True).filter(pk__in=own)
    return "" if theirs.count() == len(own) else ScheduledTransfer.EndReason.ACCESS_ENDED


def _is_payable(scheduled: ScheduledTransfer, day: date, today: date) -> bool:
    if scheduled.retry_at is not None and scheduled.retry_at > clock.now():
        return False
    is_open = scheduled.execution_rule == ExecutionRule.SAME_DAY or business_days.is_business_day(today)
    return is_open and pays_on(day, scheduled.execution_rule) <= today


def _is_missed(scheduled: ScheduledTransfer, day: date, today: date) -> bool:
    return pays_on(day, scheduled.execution_rule) < today - timedelta(days=settings.BANK_CATCH_UP_DAYS)


def _is_next_missed(scheduled: ScheduledTransfer, today: date) -> bool:
    following = scheduled.day_after(scheduled.next_on) if scheduled.next_on else None
    return following is not None and _is_missed(scheduled, following, today)


def _try_again(scheduled: ScheduledTransfer, code: str, today: date) -> bool:
    """The order is tried again later on the same bank day. Its user gets an email about the first attempt."""
    if scheduled.tried_on is None:
        notices.enqueue_notice(Kind.ORDER_NOT_PAID, scheduled.pk)
    scheduled.tried_on, scheduled.refusal = today, code
    scheduled.retry_at = clock.now() + RETRY_AFTER
    scheduled.save(update_fields=["tried_on", "refusal", "retry_at"])
    return False


def _refused(scheduled: ScheduledTransfer, day: date, code: str, *, is_told: bool = True) -> bool:
    """The payment of this day is not made; the order continues with the next day."""
    transfer = payments.reject(PaymentOrder.due(scheduled, day), code)
    if is_told:
        notices.enqueue_notice(Kind.PAYMENT_NOT_MADE, transfer.pk)
    lifecycle.go_on(scheduled, day)
    return True


def _end(scheduled: ScheduledTransfer, day: date, reason: str) -> bool:
    payments.reject(PaymentOrder.due(scheduled, day), AccountNotOpen.code)
    lifecycle.end(scheduled, reason)
    notices.enqueue_notice(Kind.ORDER_ENDED, scheduled.pk)
    return True
