"""A verified access token (RFC 9068)."""

from typing import Any, Protocol

from oauth.tokens.claims import AccessTokenClaims
from oauth.tokens.verification import InvalidJWT

TYP = "at+jwt"


class Decoder(Protocol):
    def decode(self, token: bytes | str) -> dict[str, Any]:
        """Verifies a token and returns its payload. Raises InvalidJWT."""


class AccessToken:
    """`claims` are the typed claims, and `payload` is the JSON object; `token["name"]` reads a member of the payload.

    Raises InvalidJWT if the token is not valid. An instance can be DRF's `request.auth` and the token of SimpleJWT's
    `TokenUser`.
    """

    def __init__(self, token: bytes | str, *, backend: Decoder) -> None:
        #: The token as sent.
        self.raw = token.decode("ascii", "replace") if isinstance(token, bytes) else token
        self.payload = backend.decode(token)
        try:
            # RFC 9068 §2.2: every claim must have the right type. The backend has checked everything else.
            self.claims = AccessTokenClaims.from_payload(self.payload)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
            raise InvalidJWT("The token's claims are not those of an access token.") from error

    def __getitem__(self, name: str) -> Any:
        return self.payload[name]

    def __contains__(self, name: object) -> bool:
        return name in self.payload

    def get(self, name: str, default: Any = None) -> Any:
        return self.payload.get(name, default)
