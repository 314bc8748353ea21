"""Server nonces (RFC 9449 §8, §9): with one, a proof cannot be made in advance.

Stateless: a nonce is an HMAC of the current window under the site's secret, so all workers issue and accept the same.
"""

import secrets
import time

from jwt.utils import base64url_encode

LIFETIME_SECONDS = 150
_SALT = "oauth.proof.nonce"


def current() -> str:
    return _nonce_of(int(time.time() // LIFETIME_SECONDS))


def is_valid(nonce: object) -> bool:
    """Whether it is the nonce of this window or the previous one: valid for 150 to 300 seconds."""
    window = int(time.time() // LIFETIME_SECONDS)
    given = str(nonce).encode("utf-8", "replace")
    return any(secrets.compare_digest(given, _nonce_of(window - age).encode()) for age in (0, 1))


def _nonce_of(window: int) -> str:
    from django.utils.crypto import salted_hmac  # a resource server without Django asks for no nonces

    return base64url_encode(salted_hmac(_SALT, str(window), algorithm="sha256").digest()).decode()
