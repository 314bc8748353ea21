"""Cookies that bind interactions to a browser: one per interaction, so that parallel tabs do not overwrite each
other's.

The row has only the digest of the cookie. Somebody who learns the ID of an interaction from its URL cannot continue it
in another browser (RFC 6749 §10.12, RFC 9700 §4.7). The cookie does not depend on the browser session, so the request
survives a logout, a login and a password reset.
"""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

# The most interactions of a browser: enough for one that restores all its tabs. The oldest are deleted, because a
# malicious site could open thousands.
MOST = 32


def _prefix() -> str:
    """No other host can set a cookie with the prefix __Host- (RFC 6265bis §4.1.3.2), which requires the path "/"."""
    if not settings.SESSION_COOKIE_SECURE:
        return "interaction-"
    return f"{'__Host-' if settings.SESSION_COOKIE_PATH == '/' else '__Secure-'}interaction-"


def secrets_of(http_request: HttpRequest) -> dict[str, str]:
    """Interaction ID -> secret, for each cookie of this browser."""
    prefix = _prefix()
    held = {name.removeprefix(prefix): value for name, value in http_request.COOKIES.items() if name.startswith(prefix)}
    return dict(list(held.items())[: 2 * MOST])


def bind(page: HttpResponseBase, interaction_id: str, secret: str, *, lifetime: timedelta) -> None:
    page.set_cookie(
        _prefix() + interaction_id,
        secret,
        max_age=int(lifetime.total_seconds()),
        path=settings.SESSION_COOKIE_PATH,
        samesite="Lax",  # Strict would not send it with a request from the client's site
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
    )


def release(page: HttpResponseBase, interaction_id: str) -> None:
    page.delete_cookie(_prefix() + interaction_id, path=settings.SESSION_COOKIE_PATH, samesite="Lax")
