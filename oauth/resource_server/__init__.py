"""What an API needs to accept this server's access tokens. It needs no database and no models.

Header -> `JWTBearer` (verify) -> `HasScope` (permit) -> your view, with `request.auth.claims`. Use it as

    class Accounts(APIView):
        authentication_classes = [JWTBearer]
        permission_classes = [HasScope]
        required_scopes = {"GET": ["accounts:read"]}

or, with types, subclass `oauth.resource_server.views.TokenView`, whose handlers receive a `TokenRequest` with
`request.token` and `request.claims`.

If `OAUTH["VERIFICATION_KEYS"]` is not set, the JWK Set is fetched from `JWKS_URI` over HTTP.
"""

from oauth.resource_server.authentication import JWTBearer
from oauth.resource_server.authorization import authorization_of, end_authorization
from oauth.resource_server.challenges import InsufficientScope, InsufficientUserAuthentication, InvalidToken
from oauth.resource_server.permissions import HasScope
from oauth.resource_server.request import TokenRequest
from oauth.resource_server.revocation import is_live, require_live
from oauth.resource_server.step_up import is_authenticated_since, require_authentication
from oauth.resource_server.throttling import ThrottleToken, say_limit

__all__ = [
    "HasScope",
    "InsufficientScope",
    "InsufficientUserAuthentication",
    "InvalidToken",
    "JWTBearer",
    "ThrottleToken",
    "TokenRequest",
    "authorization_of",
    "end_authorization",
    "is_authenticated_since",
    "is_live",
    "require_authentication",
    "require_live",
    "say_limit",
]
