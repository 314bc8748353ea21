"""What follows from a log-in, and what `oauth` did that the owner of the account is told of."""

from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed, user_logged_in
from allauth.usersessions.models import UserSession
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation

from accounts import addresses, known_device, notices, second_factor_secrets, second_factors  # noqa: F401
from accounts import sessions as browsers
from accounts.models import User
from oauth.keys.encryption import encrypting_anew
from oauth.models import AuditEvent, Authorization, Client
from oauth.models.authorization import authorizations_revoked


@receiver(user_logged_in)
def remember_log_in(request: HttpRequest, user: User, response: HttpResponseBase, **_: Any) -> None:
    """However the person logged in."""
    browsers.forget_expired(user)
    UserSession.objects.create_from_request(request)
    known_device.remember(request, response, user)  # a mail in the language the owner had: this may be somebody else
    user.speak(translation.get_language())
    address = request.META.get("REMOTE_ADDR") or None
    AuditEvent.record(AuditEvent.Action.LOGGED_IN, user=user.pk, address=address, endpoint="account")


@receiver(email_confirmed)
def forget_claims_of_others(email_address: EmailAddress, **_: Any) -> None:
    addresses.forget_claims(email_address.email, but_of=email_address.user)


@receiver(post_save, sender=Authorization)
def tell_of_new_app(instance: Authorization, created: bool, **_: Any) -> None:
    if created:
        earlier = Authorization.objects.filter(user_id=instance.user_id, client_id=instance.client_id)
        if not earlier.exclude(pk=instance.pk).exists():
            notices.tell_later("new_app", instance.user, app=instance.client.shown_name)


@receiver(authorizations_revoked)
def tell_of_reuse(authorizations: list[tuple[UUID, Any, str]], reason: str, **_: Any) -> None:
    """A code or a refresh token that was used twice may have been stolen (RFC 9700 §4.14.2)."""
    if reason in (Authorization.RevocationReason.REFRESH_REPLAY, Authorization.RevocationReason.CODE_REPLAY):
        for _pk, user_id, client_id in authorizations:
            name = Client.objects.values_list("name", flat=True).get(client_id=client_id)
            notices.tell_later("reuse", User.objects.get(pk=user_id), app=name)


@receiver(encrypting_anew)
def encrypt_second_factors_anew(**_: Any) -> int:
    return second_factor_secrets.encrypt_all()
