"""Validates public keys of clients (RFC 7517, RFC 7518 §3, FAPI 2.0 §5.4)."""

from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from math import isfinite
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from oauth.algorithms import CLIENT_SIGNING_ALGORITHMS

# RFC 7518 §3.3, §3.5; FAPI 2.0 Security Profile §5.4.
MIN_RSA_BITS = 2048
MAX_KEYS = 20
_PUBLIC = ("kty", "crv", "x", "y", "n", "e")
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# Algorithm -> key type and curve (RFC 7518 §3.1, RFC 8037 §3.1).
_TYPES = {"ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519"), "PS256": ("RSA", None),
          "RS256": ("RSA", None)}  # fmt: skip


def read_jwks(jwks: Any) -> list[dict[str, Any]]:
    """The keys of a JWK Set, for any use. Raises ValueError if this is not a JWK Set."""
    keys = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(keys, list) or len(keys) > MAX_KEYS or not all(isinstance(k, dict) for k in keys):
        raise ValueError(f"a JWK Set must be an object with 1 to {MAX_KEYS} keys.")
    return keys


def validate_jwks(jwks: Any, *, signs_by: Sequence[str] = ()) -> None:
    """Raises ValueError unless this is a JWK Set of public keys.

    Ignores unknown kinds of keys (RFC 7517 §5). If the client signs, one key must be strong and for one of the
    algorithms in `signs_by`.
    """
    keys = read_jwks(jwks)
    if not keys:
        raise ValueError("a JWK Set must have at least one key.")
    if has_odd_values(jwks):
        raise ValueError("it must contain no control characters, no NaN and no values that are nested deeply.")
    if any(_PRIVATE & jwk.keys() for jwk in keys):
        raise ValueError("it contains a private or secret key; send only public keys.")
    if not signs_by:
        return
    reasons = [_why_not(jwk, signs_by) for jwk in keys]
    if all(reasons):
        raise ValueError(f"this client signs, so it needs a usable key. {reasons[0]}")


def has_odd_values(value: Any, depth: int = 0) -> bool:
    """Whether the value contains what PostgreSQL cannot store as JSON (NUL, a lone surrogate, NaN), or is nested more
    deeply than a JWK Set can be.
    """
    if depth > 8:
        return True
    if isinstance(value, Mapping):
        return any(has_odd_values(item, depth + 1) for pair in value.items() for item in pair)
    if isinstance(value, list):
        return any(has_odd_values(item, depth + 1) for item in value)
    if isinstance(value, float):
        return not isfinite(value)
    return isinstance(value, str) and not value.isprintable()


def _why_not(jwk: Mapping[str, Any], algorithms: Sequence[str]) -> str:
    """The reason why this key cannot verify a signature of the client; empty if it can."""
    fitting = [one for one in algorithms if fits(jwk, kid=None, algorithm=one)]
    if not fitting:
        return f"A key for signatures must be for {', '.join(algorithms)}."
    try:
        load(jwk, fitting[0])
    except ValueError as error:
        return str(error)
    return ""


def certificates(keys: Iterable[Mapping[str, Any]]) -> list[bytes]:
    """The certificates in `x5c` of the keys, in DER (RFC 7517 §4.7: base64, the key's own certificate first)."""
    found = []
    for jwk in keys:
        chain = jwk.get("x5c")
        if isinstance(chain, list) and chain and isinstance(chain[0], str):
            with suppress(ValueError):
                found.append(b64decode(chain[0], validate=True))
    return found


def fits(jwk: Mapping[str, Any], *, kid: str | None, algorithm: str) -> bool:
    """Whether a JWT with this algorithm and `kid` may be signed with this key."""
    return (
        (kid is None or jwk.get("kid") == kid)
        and jwk.get("use") in (None, "sig")
        and jwk.get("alg") in (None, algorithm)
        and jwk.get("kty") == _TYPES[algorithm][0]
        and _verifies(jwk.get("key_ops"))
    )


def _verifies(operations: Any) -> bool:
    """RFC 7517 §4.3: whether `key_ops` allows verification."""
    return operations is None or (isinstance(operations, list) and "verify" in operations)


def load(jwk: Mapping[str, Any], algorithm: str) -> jwt.PyJWK:
    """Loads the key. Raises ValueError if it is weak, malformed, or not for this algorithm."""
    if algorithm not in CLIENT_SIGNING_ALGORITHMS:
        raise ValueError(f"alg must be one of {', '.join(CLIENT_SIGNING_ALGORITHMS)}.")
    key_type, curve = _TYPES[algorithm]
    if jwk.get("kty") != key_type or (curve and jwk.get("crv") != curve):
        raise ValueError(f"A key for {algorithm} must have kty {key_type}{f' and crv {curve}' if curve else ''}.")
    members = tuple((name, jwk[name]) for name in _PUBLIC if name in jwk)
    if not all(isinstance(value, str) for _, value in members):
        raise ValueError("A key cannot be read.")
    return _read(members, algorithm)


@lru_cache(maxsize=2048)
def _read(members: tuple[tuple[str, str], ...], algorithm: str) -> jwt.PyJWK:
    """Cached, because clients use the same key for every request."""
    try:
        key = jwt.PyJWK(dict(members), algorithm=algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError("A key cannot be read.") from error
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < MIN_RSA_BITS:
        raise ValueError(f"An RSA key must have at least {MIN_RSA_BITS} bits.")
    return key
