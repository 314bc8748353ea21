"""What support takes away from how a user logs in: each is mailed to the owner and is in the audit log."""

from typing import Any

from allauth.mfa.base.internal.flows import delete_dangling_recovery_codes
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.http import HttpRequest

from accounts import notices, second_factors


@transaction.atomic
def remove_factor(factor: Authenticator, request: HttpRequest) -> None:
    """Recovery codes go with the last factor that they stand in for. accounts.second_factors tells of each."""
    owner: Any = factor.user
    second_factors.remove(factor)
    delete_dangling_recovery_codes(owner)


@transaction.atomic
def disconnect(connection: SocialAccount, request: HttpRequest) -> None:
    owner: Any = connection.user
    connection.delete()
    notices.tell_later("account_disconnected", owner, request, by=_staff(request))


def _staff(request: HttpRequest) -> Any:
    return request.user
