"""The demo app as a FAPI 2.0 client with signed messages, as a third party with a server would build it. Its
authorization requests are pushed and signed, it authenticates with a key, and the user picks the accounts. `manage.py
demo_app --fapi` runs it.
"""

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import jwt

from demo.native_app import _OPTIONS, NativeApp, ProtocolError

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SIGNATURES = ["ES256", "PS256", "EdDSA"]
# RFC 9396: which data of the user's accounts the app may read, and for how long.
DETAILS = {"type": "account_information", "actions": ["accounts", "balances"], "valid_for": "P30D"}


@dataclass
class FapiApp(NativeApp):
    private_key: dict[str, Any] = field(default_factory=dict, repr=False)

    def _authorization_parameters(self, query: dict[str, str]) -> dict[str, str]:
        """PAR (RFC 9126) of a signed request (RFC 9101): the browser carries a reference only."""
        details = [{**DETAILS, "locations": [self.api]}]
        asked = {**query, "authorization_details": details, "response_mode": "jwt"}
        now = int(time.time())
        signed = self._signed(
            {**asked, "aud": self._metadata["issuer"], "nbf": now}, lifetime_seconds=60, typ="oauth-authz-req+jwt"
        )
        pushed = self._post(self._metadata["pushed_authorization_request_endpoint"], {"request": signed})
        return {"client_id": self.client_id, "request_uri": pushed["request_uri"]}

    def _answered(self, parameters: dict[str, str]) -> dict[str, str]:
        """JARM: the authorization response is a JWT that the server signed for this app."""
        keys = jwt.PyJWKSet.from_dict(self._json(self._http.get(self._metadata["jwks_uri"], **_OPTIONS)))
        try:
            response = parameters["response"]
            header = jwt.get_unverified_header(response)
            answer: dict[str, str] = jwt.decode(
                response,
                keys[header["kid"]],
                algorithms=SIGNATURES,
                audience=self.client_id,
                issuer=self._metadata["issuer"],
            )
        except (KeyError, jwt.PyJWTError) as error:
            raise ProtocolError(f"The answer in the browser is not signed by the server: {error}") from error
        return answer

    def _credentials(self) -> dict[str, str]:
        """private_key_jwt (RFC 7523 §2.2, FAPI 2.0 §5.3.2.1). Each assertion can be used once."""
        assertion = self._signed(
            {"sub": self.client_id, "aud": self._metadata["issuer"], "jti": secrets.token_urlsafe(16)},
            lifetime_seconds=30,
        )
        return {
            "client_id": self.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }

    def _signed(self, claims: dict[str, Any], *, lifetime_seconds: int, **header: str) -> str:
        now = int(time.time())
        claims = {"iss": self.client_id, "client_id": self.client_id, "iat": now, **claims}
        claims["exp"] = now + lifetime_seconds
        key = jwt.algorithms.ECAlgorithm.from_jwk(json.dumps(self.private_key))
        return jwt.encode(claims, key, "ES256", headers={"kid": self.private_key["kid"], **header})  # type: ignore[arg-type]  # PyJWT takes a JWK's key, too
