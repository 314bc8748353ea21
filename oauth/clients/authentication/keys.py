"""Finds public keys of clients (RFC 7591 §2: `jwks` or `jwks_uri`)."""

from contextlib import suppress
from typing import Any

import jwt

from oauth.infrastructure import outbound
from oauth.infrastructure.caches import TTLCache
from oauth.models import Client
from oauth.models.client import keys as client_keys
from oauth.tokens.jwks import FetchedKeys

JWK = dict[str, Any]
# How long fetched keys are used if they cannot be fetched again. After that the client cannot authenticate, because it
# may have withdrawn a key.
_MAX_AGE_SECONDS = 3600

# JWK Sets by URL.
_fetched: TTLCache[str, FetchedKeys[list[JWK]]] = TTLCache(max_entries=1000)


def fitting(client: Client, *, kid: str | None, algorithm: str) -> list[jwt.PyJWK]:
    """The client's keys with which a JWT with this `kid` and algorithm may be signed, usually one.

    Ignores unusable keys (RFC 7517 §5). Raises ValueError if the JWK Set is invalid or cannot be fetched.
    """
    found: list[jwt.PyJWK] = []
    for jwk in _jwks(client, kid or ""):
        if client_keys.fits(jwk, kid=kid, algorithm=algorithm):
            with suppress(ValueError):
                found.append(client_keys.load(jwk, algorithm))
    return found


def certificates(client: Client) -> list[bytes]:
    """The certificates in the client's JWK Set (RFC 8705 §2.2.2), in DER. Raises ValueError."""
    return client_keys.certificates(_jwks(client, ""))


def _jwks(client: Client, kid: str) -> list[JWK]:
    """Raises ValueError if it is not a JWK Set."""
    if not client.client_jwks_uri:
        return client_keys.read_jwks(client.client_jwks or {"keys": []})
    by_kid = _fetched_keys(client.client_jwks_uri).current(kid)
    return [jwk for same_kid in by_kid.values() for jwk in same_kid]


def _by_kid(jwks: Any) -> dict[str, list[JWK]]:
    """Groups the keys by `kid`, which several keys may share (RFC 7517 §4.5). The `kid` of a key that has none is "".
    Raises ValueError for an invalid JWK Set.
    """
    by_kid: dict[str, list[JWK]] = {}
    for jwk in client_keys.read_jwks(jwks):
        by_kid.setdefault(str(jwk.get("kid", "")), []).append(jwk)
    return by_kid


def _fetched_keys(uri: str) -> FetchedKeys[list[JWK]]:
    return _fetched.get_or_put(
        uri, lambda: FetchedKeys(lambda: _fetch(uri), max_age_seconds=_MAX_AGE_SECONDS), seconds=float("inf")
    )


def _fetch(uri: str) -> dict[str, list[JWK]]:
    try:
        return _by_kid(outbound.get_json(uri))
    except outbound.OutboundError as error:
        raise ValueError(f"{uri}: {error}") from error
