"""Closes a user account in one transaction. The row stays without personal data, because the ledger refers to its id,
and no other user may get this `sub` (ASVS 5.0 10.3.3).

The email can be used again. Whoever signs up with it is a new user.
"""

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import notices, second_factors
from accounts.closing.parts import Obstacle, keeps_records, parts
from accounts.models import FormerUser, NewEmail, TrustedBrowser, UsedTotpCode, User
from oauth.models import RememberedConsent


class NotYet(Exception):
    """`obstacles` lists what the user must do first."""

    def __init__(self, obstacles: list[Obstacle]) -> None:
        super().__init__("The user account cannot be closed yet.")
        self.obstacles = obstacles


def obstacles(user: User) -> list[Obstacle]:
    return [obstacle for part in parts() for obstacle in part.obstacles(user.pk)]


@transaction.atomic
def close(user: User, request: HttpRequest | None = None) -> None:
    """Ends every session, authorization, token and order of the user, and erases everything that the site need not keep
    by law. Raises NotYet, and then changes nothing.
    """
    user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    if user.closed_at is not None:
        return
    if found := obstacles(user):
        raise NotYet(found)
    is_kept = keeps_records(user.pk)
    if found := [obstacle for part in parts() for obstacle in part.leave(user.pk, user.email)]:
        raise NotYet(found)
    notices.enqueue_notice("closed", user, request, to=user.email, greeting=user.get_short_name())
    if is_kept:
        FormerUser.objects.create(user=user, email=user.email, name=user.name)
    second_factors.erase_all(user)
    for personal in (SocialAccount, EmailAddress, TrustedBrowser, UserSession, UsedTotpCode, NewEmail):
        personal.objects.filter(user=user).delete()
    RememberedConsent.objects.filter(authorization__user=user).delete()
    user.closed_at = timezone.now()
    user.is_active = user.is_staff = user.is_superuser = False
    user.email = f"{user.pk}@closed.invalid"  # RFC 2606 §2: .invalid never has a mailbox
    user.name = user.language = user.time_zone = ""
    user.last_login = None
    user.set_unusable_password()
    user.save()
