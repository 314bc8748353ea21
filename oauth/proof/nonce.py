"""Server nonces (RFC 9449 §8, §9), which prevent proofs from being created in advance.

A nonce is an HMAC of the current time window with the site's secret, so all worker processes issue and accept the same
one.
"""

import secrets
import time

from jwt.utils import base64url_encode

LIFETIME_SECONDS = 150
_SALT = "oauth.proof.nonce"


def current() -> str:
    return _nonce_of(int(time.time() // LIFETIME_SECONDS))


def is_valid(nonce: object) -> bool:
    """Whether this is the nonce of the current or the previous window. So a nonce is valid for 150 to 300 seconds."""
    window = int(time.time() // LIFETIME_SECONDS)
    given = str(nonce).encode("utf-8", "replace")
    return any(secrets.compare_digest(given, _nonce_of(window - age).encode()) for age in (0, 1))


def _nonce_of(window: int) -> str:
    from django.utils.crypto import salted_hmac  # unused by a resource server without Django

    return base64url_encode(salted_hmac(_SALT, str(window), algorithm="sha256").digest()).decode()
