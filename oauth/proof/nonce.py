"""Server nonces (RFC 9449 §8, §9): a proof cannot be made ahead of time.

Stateless: an HMAC of the minute, by the site's secret, so every worker hands out and accepts the same ones.
"""

import secrets
import time

from django.utils.crypto import salted_hmac
from jwt.utils import base64url_encode

LIFETIME_SECONDS = 150
_SALT = "oauth.proof.nonce"


def current() -> str:
    return _of(int(time.time() // LIFETIME_SECONDS))


def is_valid(nonce: object) -> bool:
    """One of this window or the one before: good for two and a half to five minutes."""
    window = int(time.time() // LIFETIME_SECONDS)
    given = str(nonce).encode("utf-8", "replace")
    return any(secrets.compare_digest(given, _of(window - age).encode()) for age in (0, 1))


def _of(window: int) -> str:
    return base64url_encode(salted_hmac(_SALT, str(window), algorithm="sha256").digest()).decode()
