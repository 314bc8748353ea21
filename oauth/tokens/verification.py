"""Verifies JWTs of this issuer (RFC 7515 §5.2, RFC 7519 §7.2, RFC 8725). Needs PyJWT but no framework.

Never uses a key, URL or certificate in a token (RFC 8725 §3.5, ASVS 5.0 9.1.3): `kid` only selects one of the known
keys.
"""

import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import jwt
from jwt.utils import base64url_decode

from oauth.algorithms import SIGNING_ALGORITHMS
from oauth.tokens import media_type

# Longer tokens are refused before they are split or decoded (Authlib CVE-2025-61920, golang-jwt CVE-2025-30204).
MAX_TOKEN_BYTES = 8192
# RFC 9068 §2.2: the required claims of an access token.
RFC_9068_CLAIMS = ("iss", "sub", "aud", "exp", "iat", "jti", "client_id")
# RFC 7515 §2: base64url without padding, with unused bits of the last character zero, so that each value has only one
# encoding. PyJWT also accepts padding and other characters (Wycheproof JWS 367, 370).
_PART = (
    rb"(?=[A-Za-z0-9_-])(?:[A-Za-z0-9_-]{4})*"
    rb"(?:[A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?"
)
_COMPACT_JWS = re.compile(rb"\.".join([_PART] * 3))


def is_canonical_jws(token: bytes | str) -> bool:
    """Whether this is a compact JWS (RFC 7515 §7.1) in the only valid encoding, and not too long."""
    try:
        raw = token if isinstance(token, bytes) else token.encode("ascii")
    except UnicodeEncodeError:
        return False
    return len(raw) <= MAX_TOKEN_BYTES and _COMPACT_JWS.fullmatch(raw) is not None


def unverified_header(jws: str | bytes) -> dict[str, Any]:
    """The unverified header of a canonical JWS, only for selecting the key. Raises ValueError.

    PyJWT's function decodes all three parts, which takes half as long as a verification.
    """
    return _unverified_object(jws, 0)


def unverified_claims(jws: str | bytes) -> dict[str, Any]:
    """The unverified claims of a canonical JWS, only for finding the client. Raises ValueError."""
    return _unverified_object(jws, 1)


def _unverified_object(jws: str | bytes, part: int) -> dict[str, Any]:
    raw = jws if isinstance(jws, bytes) else jws.encode("ascii")
    try:
        found = json.loads(base64url_decode(raw.split(b".")[part]))
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found


class _CanonicalJWS(jwt.PyJWS):
    """Skips PyJWT's check of each character in Python, which a regular expression has already done."""

    @staticmethod
    def _decode_base64url_segment(segment: bytes, name: str) -> bytes:
        return base64url_decode(segment)


_jwt = jwt.PyJWT()
_jwt._jws = _CanonicalJWS()
#: PyJWT's `decode`, only for a canonical JWS.
decode_canonical = _jwt.decode


def decode_by_any(token: str, keys: Sequence[jwt.PyJWK], **options: Any) -> dict[str, Any]:
    """`decode_canonical` with the first key that verifies the signature (RFC 7515 §6). `keys` must not be empty."""
    for key in keys[:-1]:
        with suppress(jwt.InvalidSignatureError):
            return dict(decode_canonical(token, key, **options))
    return dict(decode_canonical(token, keys[-1], **options))


FindKey = Callable[[str], jwt.PyJWK | None]


class InvalidJWT(Exception):
    """The token is malformed, forged, expired, or of another type, issuer or audience."""


class ExpiredJWT(InvalidJWT):
    """The JWT has expired but is otherwise valid."""


class VerifyingBackend:
    """Verifies tokens that are signed with one of several published keys.

    `typ` is the accepted header `typ` (RFC 8725 §3.11); `audiences` are the accepted values of `aud`.
    """

    def __init__(
        self,
        *,
        typ: str,
        issuer: str,
        audiences: Sequence[str],
        find_key: FindKey,
        leeway_seconds: float = 0,
        required_claims: Sequence[str] = RFC_9068_CLAIMS,
    ) -> None:
        self.typ = typ
        self.issuer = issuer
        self.audiences = tuple(audiences)
        self.leeway_seconds = leeway_seconds
        self.find_key = find_key
        self.required_claims = list(required_claims)

    def decode(self, token: bytes | str) -> dict[str, Any]:
        """Verifies syntax, signature (ASVS 5.0 9.1.1), type (9.2.2), issuer, audience (9.2.3) and times (9.2.1) of a
        token, and returns its payload.

        Raises InvalidJWT, or ExpiredJWT if the token has expired but is otherwise valid.
        """
        raw = token if isinstance(token, bytes) else token.encode("utf-8", "replace")
        if not is_canonical_jws(raw):
            raise InvalidJWT("The token must be a JWS in compact form of at most 8192 bytes.")
        key = self._key_for(raw)
        try:
            claims: dict[str, Any] = decode_canonical(
                raw,
                key,
                algorithms=[key.algorithm_name],
                audience=self.audiences or None,
                issuer=self.issuer,
                leeway=self.leeway_seconds,
                options={
                    "require": self.required_claims,
                    "strict_aud": False,
                },
            )
            return claims
        except jwt.ExpiredSignatureError as error:
            raise ExpiredJWT("The token has expired.") from error
        except jwt.InvalidAudienceError as error:
            raise InvalidJWT("The token is for another audience.") from error
        except jwt.InvalidIssuerError as error:
            raise InvalidJWT("The token is from another issuer.") from error
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError) as error:
            raise InvalidJWT("The token is not valid.") from error

    def _key_for(self, raw: bytes) -> jwt.PyJWK:
        """Checks the header and returns the published key that it names."""
        try:
            header = unverified_header(raw)
        except ValueError as error:
            raise InvalidJWT("The token's header is malformed.") from error
        # RFC 7515 §4.1.11: critical extensions must be refused, because none is supported; nor is `b64` (RFC 7797).
        if "crit" in header or "b64" in header or "zip" in header:
            raise InvalidJWT("The token's header requires an extension that is not supported.")
        # RFC 9068 §4, RFC 7515 §4.1.9: `typ` is case-insensitive and may omit the prefix `application/`.
        if not media_type.fits(header, self.typ):
            raise InvalidJWT("The token is of another type.")
        kid = header.get("kid")
        if header.get("alg") not in SIGNING_ALGORITHMS or not isinstance(kid, str):
            raise InvalidJWT("The token must be signed with a published key of its issuer.")
        key = self.find_key(kid)
        # RFC 8725 §3.1: a key must be used with only one algorithm (PyJWT CVE-2026-48523).
        if key is None or key.algorithm_name != header["alg"]:
            raise InvalidJWT("The token must be signed with a published key of its issuer.")
        return key
