"""Withdraws the invitations that a user has sent when all that the user allowed ends. Somebody else may have sent them,
and could accept them later.
"""

from typing import Any

from django.dispatch import receiver

from accounts.changes import all_access_ended
from accounts.models import User
from banking.account_life import invitations


@receiver(all_access_ended)
def withdraw(user: User, **_: Any) -> None:
    invitations.withdraw_all_of(user.pk)
