"""Remembers tokens that this process has verified: the same bytes, with the same key, for the same audiences.

Only the signature and the form of the claims are not checked again. This module still checks the token's expiry and key
at each request, and the caller checks the status list, the proof of possession and the scopes. A token is remembered by
its SHA-256, and at most OAUTH["VERIFIED_TOKENS_KEPT"] tokens are.
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


# Uses the wall clock, because the expiry of a token does.
verified_tokens: TTLCache[tuple[bytes, tuple[str, ...]], _Verified] = TTLCache(
    max_entries=lambda: conf.VERIFIED_TOKENS_KEPT, clock=time.time, name="verified_tokens"
)


def once(raw: bytes | str, audiences: Sequence[str], verify: Callable[[], AccessToken]) -> AccessToken:
    """The earlier result of `verify` for these bytes, or a new one. A refusal is raised and never remembered."""
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
        # Kept until the token expires, without the leeway for clock differences.
        verified_tokens.put(name, _Verified(token, kid, key), token.claims.expires_at.timestamp() - time.time())
    return token
