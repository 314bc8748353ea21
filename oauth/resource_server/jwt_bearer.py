"""DRF authentication with access tokens, based on SimpleJWT's stateless classes."""

from typing import Any

from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication
from rest_framework_simplejwt.models import TokenUser

from oauth.resource_server.asked import asked_resource
from oauth.resource_server.authentication import authenticate
from oauth.resource_server.challenges import NoToken, Refusal
from oauth.resource_server.permissions import announced_scopes
from oauth.tokens.access_token import AccessToken


class TokenSubject(TokenUser):
    """The subject of the token: a user, or a client that acts on its own behalf. All values come from the token."""

    token: AccessToken  # type: ignore[assignment]  # TokenUser reads it as a mapping
    # A token must never pass a check for staff or superusers.
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


class JWTBearer(JWTStatelessUserAuthentication):
    """An authentication class that calls this package's `authenticate`. `request.auth` is the AccessToken."""

    def authenticate(self, request: Request) -> tuple[Any, AccessToken] | None:  # type: ignore[override]  # DRF's stubs know only users
        try:
            token = authenticate(request._request)
        except Refusal as refusal:
            refusal.scopes = announced_scopes(request)
            raise
        return None if token is None else (self.get_user(token), token)

    def authenticate_header(self, request: Request) -> str:
        """RFC 6750 §3.1: the challenge of a request without a token names schemes and scopes but no error code."""
        refusal = NoToken()
        refusal.resource = asked_resource(request._request)
        refusal.scopes = announced_scopes(request)
        return refusal.auth_header

    def get_user(self, validated_token: Any) -> Any:
        return TokenSubject(validated_token)
