"""The access token as SimpleJWT sees it (RFC 9068)."""

from datetime import UTC, datetime
from typing import Any

from rest_framework_simplejwt.exceptions import (
    ExpiredTokenError,
    TokenBackendError,
    TokenBackendExpiredToken,
    TokenError,
)
from rest_framework_simplejwt.tokens import Token

from oauth.tokens.claims import AccessTokenClaims

TYP = "at+jwt"


class AccessToken(Token):
    """A verified access token: a mapping of its claims, and `.claims` as data. Raises TokenError if it is not valid.

    The header's `typ` tells the type of the token, not SimpleJWT's `token_type` claim.
    """

    token_type = TYP
    claims: AccessTokenClaims
    #: As it was sent.
    raw: str

    def __init__(self, token: Any, *, backend: Any) -> None:
        self._token_backend = backend
        self.token = token
        self.raw = token.decode("ascii", "replace") if isinstance(token, bytes) else str(token)
        self.current_time = datetime.now(UTC)
        try:
            self.payload = backend.decode(token)
        except TokenBackendExpiredToken as error:
            raise ExpiredTokenError(str(error)) from error
        except TokenBackendError as error:
            raise TokenError(str(error)) from error
        self.verify()

    def verify(self) -> None:
        """RFC 9068 §2.2: every claim must have its type; the backend has checked the rest."""
        try:
            self.claims = AccessTokenClaims.from_payload(self.payload)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
            raise TokenError("The token's claims are not those of an access token.") from error
