"""Receivers of the signals of allauth and `oauth`: logins, confirmed emails, authorizations, and encryption keys.

None of them is a model signal.
"""

from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.account.signals import authentication_step_completed, email_confirmed, user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation

from accounts import addresses, notices
from accounts.browsers import known_device, sessions, time_zone
from accounts.login import authentication_context
from accounts.metrics import logins
from accounts.models import User
from accounts.second_factors import stored_secrets
from oauth.keys.encryption import encrypting_anew, looking_for_lost
from oauth.models import AuditEvent, Authorization, Client
from oauth.models.authorization import authorization_granted, authorizations_revoked


@receiver(authentication_step_completed)
def remember_time(request: HttpRequest, **_: Any) -> None:
    authentication_context.remember_time(request)


@receiver(user_logged_in)
def record_login(request: HttpRequest, user: User, response: HttpResponseBase, **_: Any) -> None:
    """Records every login, whatever the method."""
    logins.labels("logged_in").inc()
    sessions.delete_expired(user)
    sessions.add(request, user)
    known_device.remember(request, response, user)
    # Store the language after the notice of a new browser was enqueued: the login may be an attacker's, and the notice
    # must be in the owner's language. `ui_locales` of a client does not change the language of later emails.
    user.speak(getattr(request, "own_language", None) or translation.get_language())
    user.adopt_time_zone(time_zone.told_by(request))
    address = request.META.get("REMOTE_ADDR") or None
    AuditEvent.record(AuditEvent.Action.LOGGED_IN, user=user.pk, address=address, endpoint="account")


@receiver(email_confirmed)
def delete_claims_of_others(email_address: EmailAddress, **_: Any) -> None:
    addresses.delete_claims(email_address.email, except_of=email_address.user)


@receiver(authorization_granted)
def notify_of_new_app(authorization: Authorization, **_: Any) -> None:
    earlier = Authorization.objects.filter(user_id=authorization.user_id, client_id=authorization.client_id)
    if not earlier.exclude(pk=authorization.pk).exists():
        notices.enqueue_notice("new_app", authorization.user, app=authorization.client.shown_name)


@receiver(authorizations_revoked)
def notify_of_reuse(authorizations: list[tuple[UUID, Any, str]], reason: str, **_: Any) -> None:
    """A code or a refresh token that was used twice may have been stolen (RFC 9700 §4.14.2)."""
    if reason in (Authorization.RevocationReason.REFRESH_REPLAY, Authorization.RevocationReason.CODE_REPLAY):
        for _pk, user_id, client_id in authorizations:
            name = Client.objects.values_list("name", flat=True).get(client_id=client_id)
            notices.enqueue_notice("reuse", User.objects.get(pk=user_id), app=name)


@receiver(looking_for_lost)
def look_for_lost_second_factors(forget: bool, **_: Any) -> int:
    return stored_secrets.lost(forget=forget)


@receiver(encrypting_anew)
def encrypt_second_factors_anew(**_: Any) -> int:
    return stored_secrets.encrypt_all()
