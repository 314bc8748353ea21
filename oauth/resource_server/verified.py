"""Tokens that this process has verified before: the same bytes, by the same key, for the same audiences.

Only the signature and the claims' form are not looked at again. Whether the token still lives is: its expiry here, and
by the caller its bit in the status list, the proof of its key, its scopes. Bounded by OAUTH["VERIFIED_TOKENS_KEPT"];
only the SHA-256 of a token is kept.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jwt
from django.core.signals import setting_changed

from oauth.conf import conf
from oauth.resource_server.jwks import find_key
from oauth.tokens.access_token import AccessToken
from oauth.tokens.verification import unverified_header


@dataclass(frozen=True, slots=True)
class _Verified:
    token: AccessToken
    kid: str
    key: jwt.PyJWK
    expires_at: float  # of time.time(), without the leeway for clocks that are off


_verified: dict[tuple[bytes, Sequence[str]], _Verified] = {}
_lock = threading.Lock()


def once(raw: bytes | str, audiences: Sequence[str], verify: Callable[[], AccessToken]) -> AccessToken:
    """What `verify` gave for these bytes, or gives now. Raises what it raises; a refusal is never kept."""
    if not conf.VERIFIED_TOKENS_KEPT:
        return verify()
    encoded = raw if isinstance(raw, bytes) else raw.encode("utf-8", "replace")
    name = (hashlib.sha256(encoded).digest(), tuple(audiences))
    known = _verified.get(name)
    # A key that is no longer published must verify nothing, not even a token that it verified before.
    if known is not None and known.expires_at > time.time() and find_key(known.kid) is known.key:
        return known.token
    token = verify()
    kid = unverified_header(encoded)["kid"]
    if key := find_key(kid):
        _keep(name, _Verified(token, kid, key, token.claims.expires_at.timestamp()))
    return token


def forget() -> None:
    _verified.clear()


def _keep(name: tuple[bytes, Sequence[str]], verified: _Verified) -> None:
    with _lock:
        while len(_verified) >= conf.VERIFIED_TOKENS_KEPT:
            del _verified[next(iter(_verified))]  # the one that was kept first
        _verified[name] = verified


setting_changed.connect(lambda setting, **_: forget() if setting == "OAUTH" else None, weak=False)
