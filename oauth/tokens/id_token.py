"""The ID token (OpenID Connect Core §2): signed for a client, and accepted as `id_token_hint`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
from jwt.utils import base64url_encode

from oauth import keys
from oauth.algorithms import SIGNING_ALGORITHMS
from oauth.models import Authorization, Client
from oauth.tokens import media_type
from oauth.tokens.signing import signer
from oauth.tokens.verification import is_canonical_jws, unverified_header

TYP = "JWT"


def sign(
    client: Client,
    authorization: Authorization,
    *,
    issuer: str,
    subject: str,
    issued_at: datetime,
    lifetime: timedelta,
    nonce: str = "",
    access_token: str = "",
    code: str = "",
    claims: Mapping[str, Any] | None = None,
) -> str:
    """An ID token about the authorization's user. `claims` are the individually requested ones (§5.5).

    It contains the nonce of its request (ASVS 5.0 10.5.1) and has one client as audience (10.5.4).
    """
    algorithm = client.id_token_algorithm
    optional = {
        "nonce": nonce,
        "at_hash": access_token and left_half_hash(access_token, algorithm),
        "c_hash": code and left_half_hash(code, algorithm),
    }
    payload = {
        **(claims or {}),
        "iss": issuer,
        "sub": subject,
        "aud": client.client_id,
        "azp": client.client_id,
        "iat": int(issued_at.timestamp()),
        "exp": int((issued_at + lifetime).timestamp()),
        "auth_time": int(authorization.auth_time.timestamp()),
        "acr": authorization.acr,
        "amr": list(authorization.amr),
        "sid": str(authorization.session_id or authorization.pk),
    } | {name: value for name, value in optional.items() if value}
    return signer(typ=TYP, algorithm=algorithm).encode(payload)


def left_half_hash(value: str, algorithm: str) -> str:
    """OpenID Connect Core §3.1.3.6: the left half of the SHA-256 hash (SHA-512 for EdDSA), in base64url."""
    hashed = (hashlib.sha512 if algorithm == "EdDSA" else hashlib.sha256)(value.encode("ascii")).digest()
    return base64url_encode(hashed[: len(hashed) // 2]).decode()


@dataclass(frozen=True, slots=True)
class Hint:
    """An ID token that a client sent as `id_token_hint` (§3.1.2.1), which identifies a user."""

    client_id: str
    subject: str
    sid: str


def read_hint(token: str, *, issuer: str) -> Hint | None:
    """Reads a hint; None unless this server has signed the token. The token may have expired and its key may have
    retired, because clients keep the last ID token (RP-Initiated Logout §4).
    """
    if not is_canonical_jws(token):
        return None
    try:
        header = unverified_header(token)
        jwk = keys.jwk_of_hint(str(header.get("kid")))
        if jwk is None or not media_type.fits(header, TYP) or jwk["alg"] != header.get("alg") or "crit" in header:
            return None
        payload = jwt.decode(
            token,
            jwt.PyJWK(jwk),
            algorithms=list(SIGNING_ALGORITHMS),
            issuer=issuer,
            options={"verify_exp": False, "verify_aud": False, "require": ["iss", "sub", "aud", "sid"]},
        )
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return None
    return Hint(client_id=payload["aud"], subject=payload["sub"], sid=payload["sid"])
