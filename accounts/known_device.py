"""A browser that somebody has logged in from before: its failures are counted apart from strangers'.

Guessing at a password is slowed down wherever it comes from, yet nobody who does not hold this cookie can use that
to lock the owner out (OWASP “device cookies”). The cookie lets nobody in; it only tells whose turn is counted.
"""

import secrets
from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponseBase

from accounts.models import User, UserManager

COOKIE = "__Host-device" if settings.IS_HTTPS else "device"
LIFETIME = timedelta(days=180)


def remember(request: HttpRequest, response: HttpResponseBase, user: User) -> None:
    """After a log-in."""
    if of(request, user.email) is None:
        value = f"{secrets.token_urlsafe(16)} {user.pk}"
        response.set_signed_cookie(
            COOKIE, value, salt=COOKIE, max_age=LIFETIME, secure=settings.IS_HTTPS, httponly=True, samesite="Lax"
        )


def of(request: HttpRequest, email: str) -> str | None:
    """The device's id where this person has logged in from it before."""
    try:
        value = request.get_signed_cookie(COOKIE, salt=COOKIE, max_age=LIFETIME)
    except (KeyError, BadSignature):
        return None
    device_id, _, user_id = str(value).partition(" ")
    is_theirs = User.objects.filter(pk=user_id, email=UserManager.normalize_email(email)).exists()
    return device_id if is_theirs else None
