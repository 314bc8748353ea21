"""The cookies that bind interactions to one browser: one for each, so that parallel tabs do not overwrite each other.

A row holds only the digest of the cookie. Somebody who learns the id of an interaction from its URL cannot continue
with it in another browser (RFC 6749 §10.12, RFC 9700 §4.7). The cookie outlives the session, so a logout, a login and a
password reset do not lose the request.
"""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

# Enough for a browser that restores all its tabs at once. An attacker would open thousands, so the oldest are dropped.
MOST = 32


def _prefix() -> str:
    """No other host can set a __Host- cookie (RFC 6265bis §4.1.3.2), which must have the path "/"."""
    if not settings.SESSION_COOKIE_SECURE:
        return "interaction-"
    return f"{'__Host-' if settings.SESSION_COOKIE_PATH == '/' else '__Secure-'}interaction-"


def secrets_of(http_request: HttpRequest) -> dict[str, str]:
    """The secrets of this browser by the id of their interaction."""
    prefix = _prefix()
    held = {name.removeprefix(prefix): value for name, value in http_request.COOKIES.items() if name.startswith(prefix)}
    return dict(list(held.items())[: 2 * MOST])


def bind(page: HttpResponseBase, interaction_id: str, secret: str, *, lifetime: timedelta) -> None:
    page.set_cookie(
        _prefix() + interaction_id,
        secret,
        max_age=int(lifetime.total_seconds()),
        path=settings.SESSION_COOKIE_PATH,
        samesite="Lax",  # the request comes from the site of the client, not from ours
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )


def release(page: HttpResponseBase, interaction_id: str) -> None:
    page.delete_cookie(_prefix() + interaction_id, path=settings.SESSION_COOKIE_PATH, samesite="Lax")
