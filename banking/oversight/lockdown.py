"""The bank's part of locking down a user or an app, in one transaction: freezes accounts and puts orders on hold.
Lifting the lockdown undoes only the freezes of the lockdown, which are recognized by a prefix of their reason. Orders
are on hold as if the user or the app had been disabled; their users must resume them.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from banking import notices, orders
from banking.ledger.refusals import NotAllowed
from banking.models import Account, AccountAccess, AccountFreeze, ScheduledTransfer
from banking.models.role import HOLDING
from banking.oversight.audit import Officer, record
from banking.oversight.freezing import SameUser, freeze, unfreeze

#: The prefix of the reason of each freeze that a lockdown has made.
MARK = "Lockdown: "


class LiftedBySameUser(NotAllowed):
    code = "lifting_by_same_person"
    title = "You made the lockdown that froze these accounts. Somebody else must lift it."


@dataclass(frozen=True, slots=True)
class Stopped:
    accounts: int
    orders: int


def accounts_to_freeze(user_id: UUID) -> QuerySet[Account]:
    """The accounts that the user holds, alone or with others."""
    held = Account.objects.filter(access__user_id=user_id, access__role__in=HOLDING)
    return held.filter(kind=Account.Kind.CUSTOMER, status=Account.Status.OPEN)


def orders_of_user(user_id: UUID) -> QuerySet[ScheduledTransfer]:
    return ScheduledTransfer.objects.filter(user_id=user_id, status=ScheduledTransfer.Status.ACTIVE)


def orders_of_app(client_id: str) -> QuerySet[ScheduledTransfer]:
    """The open orders that the app set up, except those that their users have resumed without the app."""
    active = ScheduledTransfer.objects.filter(client_id=client_id, status=ScheduledTransfer.Status.ACTIVE)
    return active.filter(resumed_at=None)


@transaction.atomic
def stop_money_of_user(user_id: UUID, *, by: Officer, reason: str) -> Stopped:
    """Freezes the user's open accounts, and puts the user's orders on hold until the user resumes them."""
    accounts = list(accounts_to_freeze(user_id).order_by("pk").values_list("pk", flat=True))
    for pk in accounts:
        freeze(pk, by=by, reason=f"{MARK}{reason}")
    stopped = _hold(orders_of_user(user_id), ScheduledTransfer.HeldReason.USER_INACTIVE)
    _stay_on_hold(ScheduledTransfer.objects.filter(user_id=user_id), ScheduledTransfer.HeldReason.USER_INACTIVE)
    record("user_locked_down", by=by, about=user_id, reason=f"{len(accounts)} accounts, {stopped} orders: {reason}")
    return Stopped(len(accounts), stopped)


@transaction.atomic
def free_money_of_user(user_id: UUID, *, by: Officer, reason: str) -> int:
    """Unfreezes the accounts that a lockdown froze, and returns their number. Raises LiftedBySameUser for the
    officer who locked down, and OwnMoney.
    """
    frozen = AccountFreeze.objects.filter(unfrozen_by=None, reason__startswith=MARK, account__status="frozen")
    theirs = frozen.filter(account__access__user_id=user_id, account__access__role__in=HOLDING)
    # A joint holder who is locked down, too: the account stays frozen until that lockdown is lifted.
    inactive = AccountAccess.objects.filter(account=OuterRef("account"), role__in=HOLDING, user__is_active=False)
    theirs = theirs.exclude(Exists(inactive.exclude(user=user_id)))
    accounts = list(theirs.order_by("account_id").values_list("account_id", flat=True))
    try:
        for pk in accounts:
            unfreeze(pk, by=by, reason=reason)
    except SameUser:
        raise LiftedBySameUser from None
    record("user_lockdown_lifted", by=by, about=user_id, reason=f"{len(accounts)} accounts: {reason}")
    return len(accounts)


@transaction.atomic
def stop_orders_of_app(client_id: str, *, by: Officer, reason: str) -> Stopped:
    """Puts the orders that the app set up on hold, until their users resume them without it."""
    stopped = _hold(orders_of_app(client_id), ScheduledTransfer.HeldReason.APP_DISABLED)
    theirs = ScheduledTransfer.objects.filter(client_id=client_id, resumed_at=None)
    _stay_on_hold(theirs, ScheduledTransfer.HeldReason.APP_DISABLED)
    record("app_locked_down", by=by, reason=f"{client_id}: {stopped} orders: {reason}")
    return Stopped(0, stopped)


def _hold(active: QuerySet[ScheduledTransfer], reason: ScheduledTransfer.HeldReason) -> int:
    found = list(active.select_for_update(no_key=True, of=("self",)).order_by("pk").values_list("pk", flat=True))
    for pk in found:
        orders.hold(pk, reason)
        notices.enqueue_notice(notices.Kind.ORDER_HELD, pk)
    return len(found)


def _stay_on_hold(theirs: QuerySet[ScheduledTransfer], reason: ScheduledTransfer.HeldReason) -> None:
    """Orders that staff hold already stay on hold after staff release them, until their users resume them."""
    held = theirs.filter(held_reason=ScheduledTransfer.HeldReason.STAFF)
    held.filter(hold_after_release__in=("", ScheduledTransfer.HeldReason.PAUSED)).update(hold_after_release=reason)
