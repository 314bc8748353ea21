"""A client's key that signs assertions (RFC 7523) and DPoP proofs (RFC 9449 §4.2) fast enough not to affect the
measurement.
"""

import base64
import hashlib
import json
import secrets
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
VERIFIER = "v" * 43


def s256(text: str) -> str:
    """RFC 7636 §4.2; RFC 9449 §4.2 `ath`."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def rsa_key() -> rsa.RSAPrivateKey:
    """A key for ID tokens. All servers sign them with RS256 by default, and so does Countersign."""
    return rsa.generate_private_key(65537, 2048)


class Key:
    """A client's key for ES256. It signs both assertions and proofs."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.public_jwk: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(self._key.public_key()))
        self.private_jwk: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(self._key))

    def assertion(self, client_id: str, audience: str) -> dict[str, str]:
        """The form fields."""
        now = int(time.time())
        claims = {"iss": client_id, "sub": client_id, "aud": audience, "iat": now, "exp": now + 120}
        assertion = jwt.encode({**claims, "jti": secrets.token_urlsafe(16)}, self._key, "ES256")
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}

    def proof(self, method: str, url: str, *, nonce: str | None = None, token: str | None = None) -> str:
        claims: dict[str, Any] = {"htm": method, "htu": url, "iat": int(time.time()), "jti": secrets.token_urlsafe(16)}
        if nonce:
            claims["nonce"] = nonce
        if token:
            claims["ath"] = s256(token)
        return jwt.encode(claims, self._key, "ES256", headers={"typ": "dpop+jwt", "jwk": self.public_jwk})
