"""The request of a view that needs an access token, typed: `request.token` and `request.claims`."""

from rest_framework.request import Request

from oauth.resource_server.challenges import NoToken
from oauth.tokens.access_token import AccessToken
from oauth.tokens.claims import AccessTokenClaims


class TokenRequest(Request):
    """A DRF request whose `token` is the access token that `JWTBearer` verified. `TokenView` makes it."""

    @property
    def token(self) -> AccessToken:
        """Raises NoToken (401) for a request without one, so that a view without `HasScope` fails closed."""
        if not isinstance(self.auth, AccessToken):
            raise NoToken
        return self.auth

    @property
    def claims(self) -> AccessTokenClaims:
        """User, client, scopes and authorization details of the token. Raises NoToken."""
        return self.token.claims
