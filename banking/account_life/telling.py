"""Notifies all holders of an account about a change, and the user whom the change is about."""

from uuid import UUID

from banking import notices
from banking.models import AccountAccess, AccountAct
from banking.models.role import HOLDING
from banking.notices import Kind


def tell_holders(kind: Kind, act: AccountAct, *, also: UUID | None = None) -> None:
    """Notifies all holders, in the caller's transaction. `also` is a user who is notified even if they no longer hold
    the account.
    """
    holders = AccountAccess.objects.filter(account=act.account_id, role__in=HOLDING).values_list("user_id", flat=True)
    for user_id in sorted({*holders, *([also] if also else [])}):
        notices.enqueue_notice(kind, act.pk, to=user_id)
