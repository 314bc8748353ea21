"""The signing keys of this process, read from the database every few seconds, and decrypted and parsed once.

So after READ_EVERY_SECONDS, no process signs with a key that staff have replaced in an emergency. While the database is
unreachable, the keys in memory are used for up to KEPT_SECONDS.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import jwt
from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.utils import timezone

from oauth.infrastructure import outage
from oauth.infrastructure.caches import RefreshedCache
from oauth.keys import encryption, stores
from oauth.keys.policy import policy
from oauth.models import SigningKey

READ_EVERY_SECONDS = 5
# As long as a resource server uses a JWK Set that it cannot fetch again.
KEPT_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """`sign` returns the signature of a JWS (RFC 7515 §5.1), and raises KeyStoreError."""

    kid: str
    algorithm: str
    sign: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class _Ring:
    signing: dict[str, ParsedKey]
    jwks: dict[str, Any]
    parsed: dict[str, ParsedKey]  # by kid
    read_at: float  # of time.monotonic()
    tried_at: float


def signing_key(algorithm: str) -> ParsedKey:
    """The current signing key. Raises ImproperlyConfigured if there is none."""
    try:
        return _current().signing[algorithm]
    except KeyError:
        raise ImproperlyConfigured(
            f"There is no active {algorithm} key. Run `manage.py migrate`, which creates the first one."
        ) from None


def published_jwks() -> dict[str, Any]:
    """The JWK Set (RFC 7517 §5) of public keys."""
    return _current().jwks


def jwk_of_hint(kid: str) -> dict[str, Any] | None:
    """The public key for an `id_token_hint`, which may be retired, but not replaced in an emergency."""
    published = next((jwk for jwk in _current().jwks["keys"] if jwk["kid"] == kid), None)
    if published is not None:
        return dict(published)
    retired = SigningKey.objects.of_hints().filter(kid=kid[:43]).first()
    return None if retired is None else dict(retired.public_jwk)


def jwk_that_signed(kid: str, *, at: datetime) -> dict[str, Any] | None:
    """The public key if it may have signed at that time, even if it has retired since; otherwise None."""
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
    """Makes this process read the keys again at the next use. Call this after changing a key."""
    _rings.clear()


def _current() -> _Ring:
    return _rings.get(None)


def _load(_: None, old: _Ring | None) -> _Ring:
    now = time.monotonic()
    try:
        rows = list(SigningKey.objects.published().order_by("-active_at"))
    except outage.ERRORS:
        if old is None or now - old.read_at > KEPT_SECONDS:
            raise
        return replace(old, tried_at=now)
    signing: dict[str, SigningKey] = {}
    for row in rows:
        if row.signs_at(timezone.now()):
            signing.setdefault(row.algorithm, row)
    parsed = {row.kid: (old and old.parsed.get(row.kid)) or _parse(row) for row in signing.values()}
    jwks = {"keys": [row.public_jwk for row in rows]}
    return _Ring(
        signing={algorithm: parsed[row.kid] for algorithm, row in signing.items()},
        # Keep the same object if nothing has changed, so that verification parses it only once.
        jwks=old.jwks if old and old.jwks == jwks else jwks,
        parsed=parsed,
        read_at=now,
        tried_at=now,
    )


def _parse(row: SigningKey) -> ParsedKey:
    if row.store:
        # Do not access the store before the first signature, so that an unreachable store does not affect other keys.
        return ParsedKey(row.kid, row.algorithm, partial(_sign_in_store, row.store, row.reference, row.algorithm))
    private_key = load_pem_private_key(encryption.decrypt(bytes(row.private_key_encrypted)), password=None)
    return ParsedKey(row.kid, row.algorithm, partial(jwt.get_algorithm_by_name(row.algorithm).sign, key=private_key))


def _sign_in_store(store: str, reference: str, algorithm: str, content: bytes) -> bytes:
    return stores.named(store).sign(reference, algorithm, content)


def _is_fresh(ring: _Ring) -> bool:
    return ring.tried_at + READ_EVERY_SECONDS > time.monotonic()


# A cache with one entry, the ring.
_rings: RefreshedCache[None, _Ring] = RefreshedCache(_load, is_fresh=_is_fresh)
