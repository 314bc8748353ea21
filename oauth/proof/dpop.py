"""Verifies DPoP proofs (RFC 9449 §4): JWTs for one request, signed with the key to which the token is bound."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.utils import base64url_encode

from oauth.algorithms import STRONG_SIGNING_ALGORITHMS
from oauth.proof import nonce, replay
from oauth.proof.replay import ReplayCheck
from oauth.tokens import media_type
from oauth.tokens.verification import decode_canonical, is_canonical_jws, unverified_header

TYP = "dpop+jwt"
# §11.1: the maximum difference between `iat` and now, to which the tolerated clock skew is added.
LIFETIME = timedelta(seconds=60)
LONGEST_JTI = 255
# The members of a public key (RFC 7518 §6). Any other member could be private.
_PUBLIC = {"EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}, "RSA": {"n", "e"}}
_DESCRIPTIVE = {"kty", "kid", "use", "alg", "key_ops"}
_KEY_OF_ALGORITHM = {"ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519"), "PS256": ("RSA", None)}
MIN_RSA_BITS = 2048


class InvalidProof(Exception):
    """§5, §7.1 `invalid_dpop_proof`. The message is for the client's developer."""


class NonceNeeded(InvalidProof):
    """§8, §9 `use_dpop_nonce`: the client must retry with the nonce of the DPoP-Nonce header."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A verified proof; `jkt` is the RFC 7638 thumbprint of its key."""

    jkt: str


@dataclass(frozen=True, slots=True)
class Policy:
    """The site's settings for proofs."""

    clock_skew: timedelta
    requires_nonce: bool
    replay_check: ReplayCheck
    #: Whether this server issues nonces. If not, it ignores the claim `nonce` (RFC 9449 §4.3 item 10).
    offers_nonces: bool = True


def verify(
    headers: str | None, *, method: str, urls: Collection[str], policy: Policy, access_token: str | None = None
) -> Proof:
    """Verifies the proof of a request (§4.3, whose numbering the comments use). Raises InvalidProof.

    `headers` is the DPoP header, in which the server has joined repeated ones. `urls` are all URLs of the requested
    resource. A resource server must pass the `access_token`.
    """
    if headers is None:
        raise InvalidProof("The DPoP header is missing.")
    # 1, 2: one header with a well-formed JWT. Repeated headers are joined with a comma, which no JWT contains.
    if not is_canonical_jws(headers):
        raise InvalidProof("The DPoP header must be one JWS in compact form.")
    try:
        header = unverified_header(headers)
    except ValueError:
        raise InvalidProof("The header of the DPoP proof is malformed.") from None
    # 4, 5: `typ` and an accepted asymmetric `alg`.
    if not media_type.fits(header, TYP):
        raise InvalidProof(f"typ of the DPoP proof must be {TYP}.")
    if "crit" in header or "b64" in header:
        raise InvalidProof("The header of the DPoP proof must not contain crit or b64.")
    if header.get("alg") not in STRONG_SIGNING_ALGORITHMS:
        raise InvalidProof(f"alg of the DPoP proof must be one of {', '.join(STRONG_SIGNING_ALGORITHMS)}.")
    key, jkt = _key(header.get("jwk"), header["alg"])
    try:  # 6: signed with the key in its header
        claims = decode_canonical(
            headers,
            key,
            algorithms=[header["alg"]],
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False},
        )
    except (jwt.InvalidTokenError, ValueError, TypeError) as error:
        raise InvalidProof("The signature of the DPoP proof is not valid.") from error
    _check_claims(claims, method=method, urls=urls, access_token=access_token, policy=policy)
    # A server accepts a proof from LIFETIME and the clock skew before `iat` until as long after it. Add the clock skew
    # again, because the clocks of several servers may differ.
    expires_at = datetime.fromtimestamp(claims["iat"], UTC) + LIFETIME + 2 * policy.clock_skew
    lifetime = 2 * LIFETIME + 3 * policy.clock_skew
    if not replay.is_first_use(
        "dpop", jkt, claims["jti"], lifetime=lifetime, expires_at=expires_at, check=policy.replay_check
    ):
        raise InvalidProof("This DPoP proof was already used. Send a new proof with a new jti.")
    return Proof(jkt)


def _key(jwk: Any, algorithm: str) -> tuple[jwt.PyJWK, str]:
    """7: returns the key, which must be public and strong, and its thumbprint."""
    key_type, curve = _KEY_OF_ALGORITHM[algorithm]
    if not isinstance(jwk, dict) or jwk.get("kty") != key_type or (curve and jwk.get("crv") != curve):
        raise InvalidProof(f"jwk of the DPoP proof must be a public key for {algorithm}.")
    if jwk.keys() - _PUBLIC[key_type] - _DESCRIPTIVE:
        raise InvalidProof("jwk of the DPoP proof must contain only a public key.")
    members = tuple((name, jwk.get(name)) for name in ("kty", *sorted(_PUBLIC[key_type])))
    if not all(isinstance(value, str) for _, value in members):
        raise InvalidProof("jwk of the DPoP proof is malformed.")
    return _read_key(members, algorithm)


@lru_cache(maxsize=2048)
def _read_key(members: tuple[tuple[str, str], ...], algorithm: str) -> tuple[jwt.PyJWK, str]:
    """Cached, because clients use the same key for every request."""
    public = dict(members)
    try:
        parsed = jwt.PyJWK(public, algorithm=algorithm)
        if isinstance(parsed.key, RSAPublicKey) and parsed.key.key_size < MIN_RSA_BITS:
            raise InvalidProof(f"An RSA key must have at least {MIN_RSA_BITS} bits.")
        return parsed, _thumbprint(public)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidProof("jwk of the DPoP proof is malformed.") from error


def _thumbprint(public: dict[str, str]) -> str:
    """RFC 7638 §3: the hash of only the required members, sorted by name, without white space."""
    canonical = json.dumps(public, sort_keys=True, separators=(",", ":"))
    return base64url_encode(hashlib.sha256(canonical.encode()).digest()).decode()


def _check_claims(
    claims: dict[str, Any], *, method: str, urls: Collection[str], access_token: str | None, policy: Policy
) -> None:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI or not jti.isprintable():
        raise InvalidProof(f"jti of the DPoP proof must be a string of 1 to {LONGEST_JTI} characters.")
    # 8, 9: the method, and the URL without query and fragment.
    if claims.get("htm") != method:
        raise InvalidProof(f"htm of the DPoP proof must be {method}.")
    named = claims.get("htu")
    if not isinstance(named, str) or _normalized(named) not in {_normalized(url) for url in urls}:
        raise InvalidProof("htu of the DPoP proof must be the URL of the request, without query and fragment.")
    # 12: the proof must be for this access token.
    if access_token is not None:
        expected = base64.urlsafe_b64encode(hashlib.sha256(access_token.encode()).digest()).rstrip(b"=").decode()
        if not secrets.compare_digest(str(claims.get("ath")).encode("utf-8", "replace"), expected.encode()):
            raise InvalidProof("ath of the DPoP proof must be the hash of the access token.")
    # 11: the proof must be recent. Check this before the nonce, so that the error tells a client about a wrong clock.
    issued_at = claims.get("iat")
    if isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
        raise InvalidProof("iat of the DPoP proof must be a number of seconds.")
    if not abs(time.time() - issued_at) <= (LIFETIME + policy.clock_skew).total_seconds():
        raise InvalidProof(f"iat of the DPoP proof must be within {LIFETIME.seconds} seconds of now.")
    _check_optional_times(claims, policy.clock_skew)
    # 10
    if "nonce" not in claims and policy.requires_nonce:
        raise NonceNeeded("The DPoP proof must contain the nonce of the DPoP-Nonce header.")
    if "nonce" in claims and policy.offers_nonces and not nonce.is_valid(claims["nonce"], clock_skew=policy.clock_skew):
        raise NonceNeeded("The nonce of the DPoP proof has expired; retry with the value of the DPoP-Nonce header.")


def _check_optional_times(claims: dict[str, Any], clock_skew: timedelta) -> None:
    """RFC 7519 §4.1.4, §4.1.5: RFC 9449 does not require `exp` and `nbf`, but if a client sends them, they must be
    valid.
    """
    now, skew = time.time(), clock_skew.total_seconds()
    for name in ("exp", "nbf"):
        value = claims.get(name, now)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidProof(f"{name} of the DPoP proof must be a number of seconds.")
    if not now < claims.get("exp", now + 1) + skew:
        raise InvalidProof("The DPoP proof has expired (exp).")
    if not claims.get("nbf", now) - skew <= now:
        raise InvalidProof("nbf of the DPoP proof must not be in the future.")


def _normalized(url: str) -> str:
    """RFC 3986 §6.2.2, §6.2.3, as §4.3 item 9 requires. Compares decoded paths, because servers provide the path of a
    request decoded.
    """
    try:
        parts = urlsplit(url)
        default = {"https": 443, "http": 80}.get(parts.scheme)
        port = "" if parts.port in (None, default) else f":{parts.port}"
        return urlunsplit((parts.scheme, f"{parts.hostname}{port}", unquote(parts.path) or "/", "", ""))
    except ValueError:
        return ""
