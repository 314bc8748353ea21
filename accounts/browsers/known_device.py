"""Device cookies (OWASP): a browser from which the user has logged in before has its own count of failed logins.

Strangers do not have the cookie, so their guesses do not slow down the owner's login in this browser. The cookie gives
no access; it only selects the count.
"""

import secrets
from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponseBase

from accounts.models import User, UserManager

COOKIE = f"{settings.COOKIE_PREFIX}device"
LIFETIME = timedelta(days=180)


def remember(request: HttpRequest, response: HttpResponseBase, user: User) -> None:
    """Call this after a login."""
    if not is_of(request, user):
        value = f"{secrets.token_urlsafe(16)} {user.pk}"
        response.set_signed_cookie(
            COOKIE, value, salt=COOKIE, max_age=LIFETIME, path=settings.SESSION_COOKIE_PATH,
            secure=settings.IS_HTTPS, httponly=True, samesite="Lax",
        )  # fmt: skip


def is_of(request: HttpRequest, user: User) -> bool:
    """Whether the user has logged in from this browser before."""
    _, user_id = _ids(request)
    return user_id == str(user.pk)


def device_of(request: HttpRequest, email: str) -> str | None:
    """The id of this browser if the user with this email has logged in from it before."""
    device_id, user_id = _ids(request)
    if not user_id:
        return None
    belongs_to_user = User.objects.filter(pk=user_id, email=UserManager.normalize_email(email)).exists()
    return device_id if belongs_to_user else None


def _ids(request: HttpRequest) -> tuple[str, str]:
    """The ids of the browser and of the user who last logged in from it; empty for an unknown browser."""
    try:
        value = request.get_signed_cookie(COOKIE, salt=COOKIE, max_age=LIFETIME)
    except (KeyError, BadSignature):
        return "", ""
    device_id, _, user_id = str(value).partition(" ")
    return device_id, user_id
