"""DPoP proofs (RFC 9449 §4): a JWT for one request, signed with the key that the token is bound to."""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import jwt
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK

from oauth.conf import CLIENT_SIGNING_ALGORITHMS, conf
from oauth.proof import nonce, replay
from oauth.tokens import media_type
from oauth.tokens.verification import decode_canonical, is_canonical_jws, unverified_header

TYP = "dpop+jwt"
# §11.1: a proof is for now; with a nonce of ours its own clock matters less, but never more than this.
LIFETIME = timedelta(seconds=60)
LONGEST_JTI = 255
# Members of a public key (RFC 7518 §6); with any other the key would not be public.
_PUBLIC = {"EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}, "RSA": {"n", "e"}}
_DESCRIPTIVE = {"kty", "kid", "use", "alg", "key_ops"}
_KEY_OF_ALGORITHM = {"ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519"), "PS256": ("RSA", None)}
MIN_RSA_BITS = 2048


class InvalidProof(Exception):
    """§5, §7.1 `invalid_dpop_proof`; the text is for the client's developer."""


class NonceNeeded(InvalidProof):
    """§8, §9 `use_dpop_nonce`: the same again, with the nonce of the DPoP-Nonce header."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A verified proof; `jkt` is the RFC 7638 thumbprint of its key."""

    jkt: str


def verify(headers: str | None, *, method: str, url: str, access_token: str | None = None) -> Proof:
    """The proof of this request (§4.3, each check by its number there). Raises InvalidProof.

    `headers` is the DPoP header as the server joined it; `access_token` is given at a resource server.
    """
    if headers is None:
        raise InvalidProof("The DPoP header is missing.")
    # 1, 2: one header, one well-formed JWT. Servers join repeated headers with a comma, which no JWT holds.
    if not is_canonical_jws(headers):
        raise InvalidProof("The DPoP header is not one JWS in compact form.")
    try:
        header = unverified_header(headers)
    except ValueError:
        raise InvalidProof("The header of the proof cannot be read.") from None
    # 4, 5: of the type, signed asymmetrically by an algorithm that is acceptable here.
    if not media_type.fits(header, TYP) or "crit" in header or "b64" in header:
        raise InvalidProof(f"typ of the proof is {TYP}.")
    if header.get("alg") not in CLIENT_SIGNING_ALGORITHMS:
        raise InvalidProof(f"alg of the proof is one of {', '.join(CLIENT_SIGNING_ALGORITHMS)}.")
    key, jkt = _key(header.get("jwk"), header["alg"])
    try:  # 6: by the key that it names
        claims = decode_canonical(
            headers,
            key,
            algorithms=[header["alg"]],
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False},
        )
    except (jwt.InvalidTokenError, ValueError, TypeError) as error:
        raise InvalidProof("The signature of the proof is not valid.") from error
    _check_claims(claims, method=method, url=url, access_token=access_token)
    if not replay.is_first_use("dpop", jkt, claims["jti"], lifetime=2 * LIFETIME + 2 * conf.CLOCK_SKEW):
        raise InvalidProof("This proof was already used: its jti counts once.")
    return Proof(jkt)


def _key(jwk: Any, algorithm: str) -> tuple[jwt.PyJWK, str]:
    """7: a public key, strong enough, and its thumbprint."""
    key_type, curve = _KEY_OF_ALGORITHM[algorithm]
    if not isinstance(jwk, dict) or jwk.get("kty") != key_type or (curve and jwk.get("crv") != curve):
        raise InvalidProof(f"jwk of the proof is a public key for {algorithm}.")
    if jwk.keys() - _PUBLIC[key_type] - _DESCRIPTIVE:
        raise InvalidProof("jwk of the proof holds more than a public key.")
    members = tuple((name, jwk.get(name)) for name in ("kty", *sorted(_PUBLIC[key_type])))
    if not all(isinstance(value, str) for _, value in members):
        raise InvalidProof("jwk of the proof cannot be read.")
    return _read_key(members, algorithm)


@lru_cache(maxsize=2048)
def _read_key(members: tuple[tuple[str, str], ...], algorithm: str) -> tuple[jwt.PyJWK, str]:
    """A client sends the same key with every request. What is kept depends on nothing else."""
    public = dict(members)
    try:
        parsed = JWK(**public)
        if public["kty"] == "RSA" and parsed.get_op_key("verify").key_size < MIN_RSA_BITS:
            raise InvalidProof(f"An RSA key has at least {MIN_RSA_BITS} bits.")
        return jwt.PyJWK(public, algorithm=algorithm), parsed.thumbprint()
    except (JWException, jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidProof("jwk of the proof cannot be read.") from error


def _check_claims(claims: dict[str, Any], *, method: str, url: str, access_token: str | None) -> None:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI or not jti.isprintable():
        raise InvalidProof(f"jti of the proof is a string of 1 to {LONGEST_JTI} characters.")
    # 8, 9: for this method and this address, without query and fragment.
    if claims.get("htm") != method:
        raise InvalidProof(f"htm of the proof is {method}.")
    if not isinstance(claims.get("htu"), str) or _normalized(claims["htu"]) != _normalized(url):
        raise InvalidProof("htu of the proof is the address of the request, without query and fragment.")
    # 12: with the token that it is sent with.
    if access_token is not None:
        expected = base64.urlsafe_b64encode(hashlib.sha256(access_token.encode()).digest()).rstrip(b"=").decode()
        if not secrets.compare_digest(str(claims.get("ath")).encode("utf-8", "replace"), expected.encode()):
            raise InvalidProof("ath of the proof is the hash of the access token.")
    # 11: now. Before the nonce, so that a client whose clock is wrong is told.
    issued_at = claims.get("iat")
    if isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
        raise InvalidProof("iat of the proof is a number of seconds.")
    if not abs(time.time() - issued_at) <= (LIFETIME + conf.CLOCK_SKEW).total_seconds():
        raise InvalidProof(f"iat of the proof must be within {LIFETIME.seconds} seconds of now.")
    _check_optional_times(claims)
    # 10
    if "nonce" not in claims and conf.DPOP_NONCE_REQUIRED:
        raise NonceNeeded("Send the nonce of the DPoP-Nonce header in the proof.")
    if "nonce" in claims and not nonce.is_valid(claims["nonce"]):
        raise NonceNeeded("The nonce of the proof is over. Take that of the DPoP-Nonce header.")


def _check_optional_times(claims: dict[str, Any]) -> None:
    """RFC 7519 §4.1.4, §4.1.5: RFC 9449 asks for neither, but a client that limits its proof means it."""
    now, skew = time.time(), conf.CLOCK_SKEW.total_seconds()
    for name in ("exp", "nbf"):
        value = claims.get(name, now)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidProof(f"{name} of the proof must be a number of seconds.")
    if not now < claims.get("exp", now + 1) + skew:
        raise InvalidProof("exp of the proof is over.")
    if not claims.get("nbf", now) - skew <= now:
        raise InvalidProof("nbf of the proof must not be in the future.")


def _normalized(url: str) -> str:
    """RFC 3986 §6.2.2, §6.2.3, as far as it matters here (§4.3 item 9)."""
    try:
        parts = urlsplit(url)
        default = {"https": 443, "http": 80}.get(parts.scheme)
        port = "" if parts.port in (None, default) else f":{parts.port}"
        return urlunsplit((parts.scheme, f"{parts.hostname}{port}", parts.path or "/", "", ""))
    except ValueError:
        return ""
