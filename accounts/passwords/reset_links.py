"""Links that reset a password."""

from allauth.account.adapter import get_adapter
from allauth.account.forms import EmailAwarePasswordResetTokenGenerator
from allauth.account.utils import user_pk_to_url_str
from allauth.core.context import request_context
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation

from accounts.models import User


class ResetLinks(EmailAwarePasswordResetTokenGenerator):
    """A deactivation invalidates these links. A new password, a login and a new email already invalidate allauth's
    links (ASVS 5.0 6.4.3).
    """

    def _make_hash_value(self, user: AbstractBaseUser, timestamp: int) -> str:
        assert isinstance(user, User)
        return f"{super()._make_hash_value(user, timestamp)}{user.session_generation}"


def link(user: User) -> str:
    """The link where this user sets a password. It works once and has the lifetime of the link for a forgotten
    password.
    """
    path = reverse("account_reset_password_from_key", args=[user_pk_to_url_str(user), ResetLinks().make_token(user)])
    return f"{settings.ORIGIN}{path}"


def send(request: HttpRequest, user: User, kind: str) -> None:
    """Emails a link to the user at the request of staff. `kind` is "invitation" or "staff_reset".

    ASVS 5.0 6.4.6: staff can start a reset, but must neither choose nor learn the password, so they never see the link.
    """
    with request_context(request), translation.override(user.language or settings.LANGUAGE_CODE):
        context = {"user": user, "password_reset_url": link(user)}
        get_adapter(request).send_mail(f"account/email/{kind}", user.email, context)
