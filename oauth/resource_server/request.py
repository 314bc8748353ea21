"""The typed request of a view that needs an access token, with `request.token` and `request.claims`."""

from rest_framework.request import Request

from oauth.resource_server.challenges import NoToken
from oauth.tokens.access_token import AccessToken
from oauth.tokens.claims import AccessTokenClaims


class TokenRequest(Request):
    """A DRF request of `TokenView`, whose `token` is the access token that `JWTBearer` verified."""

    @property
    def token(self) -> AccessToken:
        """The access token. Raises NoToken (401) if there is none, so that a view without `HasScope` fails closed."""
        if not isinstance(self.auth, AccessToken):
            raise NoToken
        return self.auth

    @property
    def claims(self) -> AccessTokenClaims:
        """The claims of the token. Raises NoToken."""
        return self.token.claims
