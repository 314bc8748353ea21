"""Caches tokens that this process has verified, by their bytes, key and audiences.

For a cached token, only the signature and the syntax of the claims are not checked again. This module still checks its
expiry and key at each request; the caller checks the status list, proof of possession and scopes. Caches the SHA-256
hashes of at most OAUTH["VERIFIED_TOKENS_KEPT"] tokens.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jwt

from oauth.conf import conf
from oauth.infrastructure.caches import TTLCache
from oauth.resource_server.jwks import find_key
from oauth.tokens.access_token import AccessToken
from oauth.tokens.verification import unverified_header


@dataclass(frozen=True, slots=True)
class _Verified:
    token: AccessToken
    kid: str
    key: jwt.PyJWK


# With the wall clock, as for the expiry of tokens.
verified_tokens: TTLCache[tuple[bytes, tuple[str, ...]], _Verified] = TTLCache(
    max_entries=lambda: conf.VERIFIED_TOKENS_KEPT, clock=time.time, name="verified_tokens"
)


def once(raw: bytes | str, audiences: Sequence[str], verify: Callable[[], AccessToken]) -> AccessToken:
    """The cached result of `verify` for this token, or a new one. Exceptions are not cached."""
    if not conf.VERIFIED_TOKENS_KEPT:
        return verify()
    encoded = raw if isinstance(raw, bytes) else raw.encode("utf-8", "replace")
    name = (hashlib.sha256(encoded).digest(), tuple(audiences))
    known = verified_tokens.get(name)
    # Check the key again, because a key that is no longer published must not verify a cached token.
    if known is not None and find_key(known.kid) is known.key:
        return known.token
    token = verify()
    kid = unverified_header(encoded)["kid"]
    if key := find_key(kid):
        # Until the token expires, without tolerance for clock skew.
        verified_tokens.put(name, _Verified(token, kid, key), token.claims.expires_at.timestamp() - time.time())
    return token
