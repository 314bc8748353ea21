"""DRF authentication by access token, on SimpleJWT's stateless classes: no query, whatever the token says.

Verified are signature, issuer, audience and times, then in memory the token's bit in the issuer's status list.
"""

from collections.abc import Sequence
from typing import Any

from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.models import TokenUser

from oauth.conf import conf
from oauth.resource_server.challenges import InvalidRequest, InvalidToken, challenge
from oauth.resource_server.jwks import find_key
from oauth.resource_server.status import require_valid
from oauth.tokens.access_token import TYP, AccessToken
from oauth.tokens.verification import VerifyingBackend


class TokenSubject(TokenUser):
    """Who the token speaks for: a user, or a client acting for itself. Knows only what the token says."""

    token: AccessToken
    # A token is no log-in to Django: nothing here passes a staff or superuser check.
    is_staff = False
    is_superuser = False

    @property
    def id(self) -> str:
        return self.token.claims.subject

    @property
    def pk(self) -> str:
        return self.id

    def __str__(self) -> str:
        return self.id


def bearer_token(header: bytes) -> bytes | None:
    """The token of `Bearer <token>`; None for another scheme. Raises InvalidRequest where it is malformed."""
    scheme, _, token = header.partition(b" ")
    if scheme.lower() != b"bearer":  # RFC 9110 §11.1: the scheme is case-insensitive
        return None
    if not token or len(token.split()) != 1 or token != token.strip():
        raise InvalidRequest("The Authorization header is Bearer, one space and the token.")
    return token


def verify_access_token(raw_token: bytes | str, *, audiences: Sequence[str]) -> AccessToken:
    """The access token of this issuer for one of these audiences (RFC 9068 §4). Raises TokenError."""
    backend = VerifyingBackend(
        typ=TYP,
        issuer=conf.ISSUER,
        audiences=audiences,
        find_key=find_key,
        leeway_seconds=conf.CLOCK_SKEW.total_seconds(),
    )
    return AccessToken(raw_token, backend=backend)


class JWTBearer(JWTStatelessUserAuthentication):
    """`Authorization: Bearer <access token>` (RFC 6750 §2.1, RFC 9068 §4); no other place is looked at."""

    def authenticate(self, request: Request) -> tuple[Any, AccessToken] | None:
        header = self.get_header(request)
        if header is None:
            return None
        token = bearer_token(header)
        if token is None:
            return None
        access_token = self.get_validated_token(token)
        require_valid(access_token.claims)
        return self.get_user(access_token), access_token

    def authenticate_header(self, request: Request) -> str:
        """RFC 6750 §3.1: a request without any token is told no error code."""
        return challenge()

    def get_validated_token(self, raw_token: bytes) -> AccessToken:
        try:
            token = verify_access_token(raw_token, audiences=conf.audiences)
        except TokenError as error:
            raise InvalidToken(str(error)) from error
        if token.claims.confirmation:
            # RFC 9449 §7.1, RFC 8705 §3: a sender-constrained token is never accepted as a bearer token.
            raise InvalidToken("The token is bound to a key and needs a proof of it.")
        return token

    def get_user(self, validated_token: Any) -> Any:
        return TokenSubject(validated_token)
