"""Signing JWTs with the active key of the ring."""

from typing import Any

import jwt
from rest_framework_simplejwt.backends import TokenBackend

from oauth import keys
from oauth.conf import conf
from oauth.tokens import access_token
from oauth.tokens.claims import AccessTokenClaims


class SigningBackend(TokenBackend):
    """SimpleJWT's TokenBackend that signs with the key ring's active key and names it in the header."""

    def __init__(self, *, typ: str, algorithm: str) -> None:
        super().__init__(algorithm=algorithm)
        self.typ = typ

    def encode(self, payload: dict[str, Any]) -> str:
        key = keys.signing_key(self.algorithm)
        headers = {"typ": self.typ, "kid": key.kid}
        return jwt.encode(payload, key.private_key, algorithm=key.algorithm, headers=headers)  # type: ignore[arg-type]


def sign_access_token(claims: AccessTokenClaims) -> str:
    return SigningBackend(typ=access_token.TYP, algorithm=conf.SIGNING_ALGORITHM).encode(claims.to_payload())


def sign_detached(content: bytes, *, typ: str) -> str:
    """A JWS over content that travels beside it (RFC 7515 Appendix F), by a key of the JWK Set."""
    key = keys.signing_key(conf.SIGNING_ALGORITHM)
    headers = {"typ": typ, "kid": key.kid}
    whole = jwt.api_jws.encode(content, key.private_key, algorithm=key.algorithm, headers=headers)  # type: ignore[arg-type]
    header, _, signature = whole.split(".")
    return f"{header}..{signature}"
