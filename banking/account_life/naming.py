"""The name of an account, which everybody with access sees, and the name of its holder, which payers see."""

from typing import Any
from uuid import UUID

from banking.account_life.functions import call
from banking.models import Account
from banking.models.role import HOLDING
from banking.payments.refusals import NotTheirs


def rename(account_id: UUID, name: str, *, by: UUID) -> None:
    """Raises NotTheirs if the user does not own the account."""
    if not call("rename_account", account_id, by, name):
        raise NotTheirs


def is_name_of_a_holder(user: Any) -> bool:
    """Regulation (EU) 2024/886 art. 5c: a payer is told whether the name is that of the account's holder, so the holder
    cannot choose another one."""
    held = Account.objects.filter(access__user_id=user.pk, access__role__in=HOLDING)
    return held.exclude(status=Account.Status.CLOSED).exists()
