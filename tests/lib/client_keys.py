"""A client with its own key, for tests: signs assertions as a client library does."""

import itertools
import secrets
import time
from functools import cache, cached_property
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwcrypto.jwk import JWK

from oauth.conf import conf
from tests.lib.times import from_now

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_PARAMETERS: dict[str, dict[str, Any]] = {
    "ES256": {"kty": "EC", "crv": "P-256"},
    "EdDSA": {"kty": "OKP", "crv": "Ed25519"},
    "PS256": {"kty": "RSA", "size": 2048},
    "RS256": {"kty": "RSA", "size": 2048},
}
# Making an RSA key takes longer than most tests, so tests take their keys from this pool in turn. No test needs more
# keys than the pool has.
_RSA_KEYS: list[JWK] = []
_turns = itertools.count()


def _rsa_key() -> JWK:
    if len(_RSA_KEYS) < 8:
        _RSA_KEYS.append(JWK.generate(**_PARAMETERS["PS256"]))
        return _RSA_KEYS[-1]
    return _RSA_KEYS[next(_turns) % len(_RSA_KEYS)]


@cache
def _parsed(pem: bytes) -> PrivateKeyTypes:
    """OpenSSL checks the primes of an RSA key whenever it parses one."""
    return load_pem_private_key(pem, password=None)


class ClientKey:
    """One key pair, with its signing algorithm."""

    def __init__(self, algorithm: str = "ES256", kid: str | None = "key-1", **parameters: Any) -> None:
        self.algorithm, self.kid = algorithm, kid
        parameters = parameters or _PARAMETERS[algorithm]
        self.jwk = _rsa_key() if parameters == _PARAMETERS["PS256"] else JWK.generate(**parameters)

    @property
    def public(self) -> dict[str, Any]:
        named = {"kid": self.kid} if self.kid else {}
        return {**self.jwk.export_public(as_dict=True), **named, "alg": self.algorithm, "use": "sig"}

    @cached_property
    def private_key(self) -> PrivateKeyTypes:
        return _parsed(self.private_pem)

    @property
    def private_pem(self) -> bytes:
        pem: bytes = self.jwk.export_to_pem(private_key=True, password=None)
        return pem

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        """Signs these claims. A timedelta among them is added to the current time."""
        named = {"kid": self.kid} if self.kid else {}
        return jwt.encode(from_now(claims), self.private_key, algorithm=self.algorithm, headers={**named, **headers})

    def assertion(
        self, client_id: str, *, without: str = "", headers: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        now = int(time.time())
        given = {
            "iss": client_id,
            "sub": client_id,
            "aud": conf.ISSUER,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_urlsafe(16),
            **claims,
        }
        given.pop(without, None)
        return self.sign(given, **(headers or {}))


def by(assertion: str) -> dict[str, str]:
    """The form fields of a client that authenticates with private_key_jwt (RFC 7523 §2.2)."""
    return {"client_assertion_type": TYPE, "client_assertion": assertion}
