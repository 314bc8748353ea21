"""Ends everything that depends on an account or on a user's access to it. Call it in a transaction before the account
is locked, because all code locks orders and authorizations first.
"""

from uuid import UUID

from django.db import connection
from django.db.models import Q

from banking import notices
from banking.consents.ending import end_consents
from banking.models import AccountAccess, AccountInvitation, ScheduledTransfer
from banking.notices import Kind
from banking.orders import lifecycle


def end_all_of_user(account_id: UUID, user_id: UUID) -> None:
    """Ends everything that the user's access to this account made possible: apps' access to it, orders from it, orders
    to it as an own account, and invitations.
    """
    end_consents(user_id, account_id)
    theirs = Q(source=account_id) | Q(destination=account_id, payee_iban="")
    _end_orders(theirs & Q(user_id=user_id), ScheduledTransfer.EndReason.ACCESS_ENDED)
    _withdraw(Q(account=account_id, invited_by=user_id))


def end_all_of_account(account_id: UUID) -> None:
    """Ends everything that depends on the account, for all users. Active orders that pay into this account end on their
    next due day; their users are notified then.
    """
    for user_id in (
        AccountAccess.objects.filter(account=account_id).order_by("user_id").values_list("user_id", flat=True)
    ):
        end_consents(user_id, account_id)
    _end_orders(Q(source=account_id), ScheduledTransfer.EndReason.ACCOUNT_CLOSED)
    _withdraw(Q(account=account_id))


def _end_orders(which: Q, reason: ScheduledTransfer.EndReason) -> None:
    orders = ScheduledTransfer.objects.select_for_update(no_key=True, of=("self",))
    for order in orders.filter(which, status__in=ScheduledTransfer.OPEN).order_by("pk"):
        lifecycle.end(order, reason)
        notices.enqueue_notice(Kind.ORDER_ENDED, order.pk)


def _withdraw(which: Q) -> None:
    invitations = AccountInvitation.objects.filter(which, status=AccountInvitation.Status.OPEN)
    for pk in invitations.values_list("pk", flat=True):
        with connection.cursor() as cursor:
            cursor.execute("SELECT end_invitation(%s, 'withdrawn')", [pk])
