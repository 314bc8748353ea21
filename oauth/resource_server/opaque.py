"""Access tokens that are not JWTs, for a site that migrates from another server. At each request, the function named by
OAUTH["OPAQUE_TOKENS"] returns their claims.

Scopes, audience and status list are then checked as for a JWT.
"""

from collections.abc import Sequence
from typing import Any

from oauth.conf import conf
from oauth.infrastructure.dotted_path import resolve
from oauth.tokens.access_token import AccessToken
from oauth.tokens.claims import AccessTokenClaims
from oauth.tokens.verification import MAX_TOKEN_BYTES, InvalidJWT


def is_opaque(raw: bytes | str) -> bool:
    """RFC 7515 §7.1: whether the token is not a JWT, which has exactly two dots."""
    return (raw.count(b".") if isinstance(raw, bytes) else raw.count(".")) != 2


def find(raw: bytes | str, audiences: Sequence[str]) -> AccessToken:
    """Raises InvalidJWT if the token is unknown, has ended, or is for another audience (ASVS 5.0 10.3.1)."""
    return AccessToken(raw, backend=_Lookup(audiences))


class _Lookup:
    """A token backend that looks up tokens instead of verifying signatures."""

    def __init__(self, audiences: Sequence[str]) -> None:
        self.audiences = frozenset(audiences)

    def decode(self, token: bytes | str) -> dict[str, Any]:
        text = token.decode("latin-1") if isinstance(token, bytes) else token
        claims: AccessTokenClaims | None = None
        if len(text) <= MAX_TOKEN_BYTES:
            assert conf.OPAQUE_TOKENS is not None
            claims = resolve(conf.OPAQUE_TOKENS)(text)
        if claims is None:
            raise InvalidJWT("The token is unknown or has ended.")
        if not self.audiences & frozenset(claims.audience):
            raise InvalidJWT("The token is for another audience.")
        return claims.to_payload()
