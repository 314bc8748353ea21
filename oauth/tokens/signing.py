"""Signs JWTs with the active key of the key ring."""

import json
from functools import lru_cache
from typing import Any

from jwt.utils import base64url_encode
from rest_framework_simplejwt.backends import TokenBackend

from oauth import keys
from oauth.errors import TemporarilyUnavailable
from oauth.tokens import access_token
from oauth.tokens.claims import AccessTokenClaims

_compact = json.JSONEncoder(separators=(",", ":")).encode


class SigningBackend(TokenBackend):
    """A TokenBackend of SimpleJWT that signs with the active key and names it in the header."""

    def __init__(self, *, typ: str, algorithm: str) -> None:
        super().__init__(algorithm=algorithm)
        self.typ = typ

    def encode(self, payload: dict[str, Any]) -> str:
        return ".".join(_signed(_compact(payload).encode(), typ=self.typ, algorithm=self.algorithm))


@lru_cache(maxsize=64)
def signer(*, typ: str, algorithm: str) -> SigningBackend:
    """Cached by type and algorithm. The key is selected at each signature."""
    return SigningBackend(typ=typ, algorithm=algorithm)


def sign_access_token(claims: AccessTokenClaims, *, algorithm: str) -> str:
    return signer(typ=access_token.TYP, algorithm=algorithm).encode(claims.to_payload())


def sign_detached(content: bytes, *, typ: str) -> str:
    """A JWS with detached content (RFC 7515 Appendix F). Settings may name this function."""
    header, _, signature = _signed(content, typ=typ, algorithm=keys.policy.values.access_token_algorithm)
    return f"{header}..{signature}"


def _signed(content: bytes, *, typ: str, algorithm: str) -> tuple[str, str, str]:
    """The base64url-encoded header, payload and signature (RFC 7515 §7.1).

    Caches the header, which PyJWT would build for every token although it changes only with the key.
    """
    key = keys.signing_key(algorithm)
    header, payload = _header(key.algorithm, typ, key.kid), base64url_encode(content).decode()
    try:
        signature = key.sign(f"{header}.{payload}".encode())
    except keys.KeyStoreError as error:
        raise TemporarilyUnavailable("The server cannot sign now. Try again later.", detail=str(error)) from error
    return header, payload, base64url_encode(signature).decode()


@lru_cache(maxsize=64)
def _header(algorithm: str, typ: str, kid: str) -> str:
    return base64url_encode(_compact({"alg": algorithm, "kid": kid, "typ": typ}).encode()).decode()
