"""The signing keys in this process: read from the database, decrypted and parsed at most once a minute.

They are at most `policy.cache_lifetime` old; a new key is published that long before it signs.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from oauth.infrastructure.caches import RefreshedCache
from oauth.keys import encryption
from oauth.keys.policy import policy
from oauth.models import SigningKey


@dataclass(frozen=True, slots=True)
class ParsedKey:
    kid: str
    algorithm: str
    private_key: PrivateKeyTypes


@dataclass(frozen=True, slots=True)
class _Ring:
    signing: dict[str, ParsedKey]
    jwks: dict[str, Any]
    expires_at: float  # of time.monotonic()


def signing_key(algorithm: str) -> ParsedKey:
    """The key that signs now. Raises ImproperlyConfigured if there is none."""
    try:
        return _current().signing[algorithm]
    except KeyError:
        raise ImproperlyConfigured(f"No active {algorithm} key; `manage.py migrate` makes the first one.") from None


def published_jwks() -> dict[str, Any]:
    """The JWK Set (RFC 7517 §5): public parts only."""
    return _current().jwks


def jwk_of_hint(kid: str) -> dict[str, Any] | None:
    """The public key that verifies an `id_token_hint`: a published one, or one that retired in the usual way."""
    published = next((jwk for jwk in _current().jwks["keys"] if jwk["kid"] == kid), None)
    if published is not None:
        return dict(published)
    retired = SigningKey.objects.of_hints().filter(kid=kid[:43]).first()
    return None if retired is None else dict(retired.public_jwk)


def jwk_that_signed(kid: str, *, at: datetime) -> dict[str, Any] | None:
    """The public key that may have signed at that time, retired since or not. None if it could not sign then."""
    signed = SigningKey.objects.that_signed(at=at, slack=policy.values.cache_lifetime).filter(kid=kid[:43]).first()
    return None if signed is None else dict(signed.public_jwk)


def is_ready() -> bool:
    """Whether access tokens and ID tokens can be signed now."""
    try:
        needed = {policy.values.access_token_algorithm, policy.values.id_token_algorithm}
        return needed <= _current().signing.keys()
    except (DatabaseError, InvalidToken, ImproperlyConfigured):
        return False


def forget() -> None:
    """Makes this process read the keys again at the next use; call it when a key was changed."""
    _rings.clear()


def _current() -> _Ring:
    return _rings.get(None)


def _load(_: None, old: _Ring | None) -> _Ring:
    signing: dict[str, ParsedKey] = {}
    for row in SigningKey.objects.active():
        if row.algorithm not in signing:
            pem = encryption.decrypt(bytes(row.private_key_encrypted))
            signing[row.algorithm] = ParsedKey(row.kid, row.algorithm, load_pem_private_key(pem, password=None))
    return _Ring(
        signing=signing,
        jwks={"keys": [key.public_jwk for key in SigningKey.objects.published().order_by("-active_at")]},
        expires_at=time.monotonic() + policy.values.cache_lifetime.total_seconds(),
    )


# One ring under one key.
_rings: RefreshedCache[None, _Ring] = RefreshedCache(_load, is_fresh=lambda ring: ring.expires_at > time.monotonic())
