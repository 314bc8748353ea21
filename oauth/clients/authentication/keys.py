"""Public keys of clients (RFC 7591 §2: `jwks` or `jwks_uri`), found for a signature."""

from typing import Any

import jwt

from oauth.infrastructure import outbound
from oauth.infrastructure.caches import TTLCache
from oauth.models import Client
from oauth.models.client import keys as client_keys
from oauth.tokens.jwks import FetchedKeys

# A client whose server is down for longer cannot authenticate, because it may have withdrawn a key that we still hold.
_MAX_AGE_SECONDS = 3600

# By address. The least recently used URLs are dropped first.
_fetched: TTLCache[str, FetchedKeys[dict[str, Any]]] = TTLCache(max_entries=1000)


def find_key(client: Client, *, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
    """The client's key for a signature by this algorithm. None if no key fits, or if several fit and the signature
    names no `kid`."""
    if client.client_jwks_uri:
        keys = _fetched_keys(client.client_jwks_uri).current(kid or "")
    else:
        keys = _by_kid(client.client_jwks or {"keys": []})
    fitting = [jwk for jwk in keys.values() if client_keys.fits(jwk, kid=kid, algorithm=algorithm)]
    if len(fitting) != 1:
        return None
    try:
        return client_keys.load(fitting[0], algorithm)
    except ValueError:
        return None


def certificates(client: Client) -> list[bytes]:
    """The certificates in the client's JWK Set (RFC 8705 §2.2.2), in DER. Raises ValueError."""
    if client.client_jwks_uri:
        return client_keys.certificates(_fetched_keys(client.client_jwks_uri).current("").values())
    return client_keys.certificates((client.client_jwks or {"keys": []})["keys"])


def _by_kid(jwks: Any) -> dict[str, dict[str, Any]]:
    """Raises ValueError if it is not a JWK Set. A key without `kid` has the empty name."""
    client_keys.validate_jwks(jwks)
    return {str(jwk.get("kid", "")): jwk for jwk in jwks["keys"]}


def _fetched_keys(uri: str) -> FetchedKeys[dict[str, Any]]:
    return _fetched.get_or_put(
        uri, lambda: FetchedKeys(lambda: _fetch(uri), max_age_seconds=_MAX_AGE_SECONDS), seconds=float("inf")
    )


def _fetch(uri: str) -> dict[str, dict[str, Any]]:
    try:
        return _by_kid(outbound.get_json(uri))
    except outbound.OutboundError as error:
        raise ValueError(f"{uri}: {error}") from error
