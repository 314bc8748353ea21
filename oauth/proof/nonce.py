"""Server nonces (RFC 9449 §8, §9), which prevent proofs from being created in advance.

A nonce is an HMAC of the current time window with the site's secret, so all worker processes issue and accept the same
one.
"""

import secrets
import time
from datetime import timedelta

from jwt.utils import base64url_encode

LIFETIME_SECONDS = 150
_SALT = "oauth.proof.nonce"


def current() -> str:
    return _nonce_of(int(time.time() // LIFETIME_SECONDS))


def is_valid(nonce: object, *, clock_skew: timedelta) -> bool:
    """Whether this is the nonce of the current or the previous window. So a nonce is valid for 150 to 300 seconds.

    The nonce of the next window is valid `clock_skew` before that window begins: another server, whose clock is ahead,
    has issued it. While SECRET_KEY is changed on one server after the other, both keys are in use.
    """
    from django.conf import settings

    now = time.time()
    newest = int((now + clock_skew.total_seconds()) // LIFETIME_SECONDS)
    windows = range(int(now // LIFETIME_SECONDS) - 1, newest + 1)
    given = str(nonce).encode("utf-8", "replace")
    return any(
        secrets.compare_digest(given, _nonce_of(window, secret).encode())
        for secret in (None, *settings.SECRET_KEY_FALLBACKS)
        for window in windows
    )


def _nonce_of(window: int, secret: str | None = None) -> str:
    """Without `secret`, the nonce of SECRET_KEY."""
    from django.utils.crypto import salted_hmac  # unused by a resource server without Django

    return base64url_encode(salted_hmac(_SALT, str(window), secret=secret, algorithm="sha256").digest()).decode()
