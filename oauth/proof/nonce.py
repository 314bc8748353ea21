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
    has issued it.
    """
    now = time.time()
    newest = int((now + clock_skew.total_seconds()) // LIFETIME_SECONDS)
    oldest = int(now // LIFETIME_SECONDS) - 1
    given = str(nonce).encode("utf-8", "replace")
    return any(secrets.compare_digest(given, _nonce_of(window).encode()) for window in range(oldest, newest + 1))


def _nonce_of(window: int) -> str:
    from django.utils.crypto import salted_hmac  # unused by a resource server without Django

    return base64url_encode(salted_hmac(_SALT, str(window), algorithm="sha256").digest()).decode()
