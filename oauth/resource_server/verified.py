"""Tokens that this process has verified before: the same bytes, by the same key, for the same audiences.

Only the signature and the claims' form are not looked at again. Whether the token still lives is: its expiry here, and
by the caller its bit in the status list, the proof of its key, its scopes. Bounded by OAUTH["VERIFIED_TOKENS_KEPT"];
only the SHA-256 of a token is kept.
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


# By the wall clock, because a token expires by it.
verified_tokens: TTLCache[tuple[bytes, tuple[str, ...]], _Verified] = TTLCache(
    max_entries=lambda: conf.VERIFIED_TOKENS_KEPT, clock=time.time
)


def once(raw: bytes | str, audiences: Sequence[str], verify: Callable[[], AccessToken]) -> AccessToken:
    """What `verify` gave for these bytes, or gives now. Raises what it raises; a refusal is never kept."""
    if not conf.VERIFIED_TOKENS_KEPT:
        return verify()
    encoded = raw if isinstance(raw, bytes) else raw.encode("utf-8", "replace")
    name = (hashlib.sha256(encoded).digest(), tuple(audiences))
    known = verified_tokens.get(name)
    # A key that is no longer published must verify nothing, not even a token that it verified before.
    if known is not None and find_key(known.kid) is known.key:
        return known.token
    token = verify()
    kid = unverified_header(encoded)["kid"]
    if key := find_key(kid):
        # Until it expires, without the leeway for clocks that differ.
        verified_tokens.put(name, _Verified(token, kid, key), token.claims.expires_at.timestamp() - time.time())
    return token
