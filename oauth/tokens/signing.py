"""Signing JWTs with the active key; access tokens (RFC 9068) and ID tokens (OpenID Connect Core §2)."""

import base64
import hashlib
from datetime import datetime
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


def sign_id_token(
    *,
    client_id: str,
    subject: str,
    issued_at: datetime,
    auth_time: datetime,
    acr: str,
    amr: tuple[str, ...],
    sid: str,
    nonce: str,
    access_token: str,
) -> str:
    """An ID token for one client (OpenID Connect Core §2); `nonce` may be empty."""
    payload = {
        "iss": conf.ISSUER,
        "sub": subject,
        "aud": client_id,
        "azp": client_id,
        "iat": int(issued_at.timestamp()),
        "exp": int((issued_at + conf.ID_TOKEN_LIFETIME).timestamp()),
        "auth_time": int(auth_time.timestamp()),
        "acr": acr,
        "amr": list(amr),
        "sid": sid,
        "at_hash": _left_half_hash(access_token),
    }
    if nonce:
        payload["nonce"] = nonce
    return SigningBackend(typ="JWT", algorithm=conf.ID_TOKEN_SIGNING_ALGORITHM).encode(payload)


def _left_half_hash(value: str) -> str:
    """OpenID Connect Core §3.1.3.6: the left half of SHA-256, for all algorithms but EdDSA (SHA-512)."""
    is_eddsa = conf.ID_TOKEN_SIGNING_ALGORITHM == "EdDSA"
    hashed = (hashlib.sha512 if is_eddsa else hashlib.sha256)(value.encode("ascii")).digest()
    return base64.urlsafe_b64encode(hashed[: len(hashed) // 2]).rstrip(b"=").decode()
