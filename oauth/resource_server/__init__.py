"""Everything that an API needs to accept this server's access tokens, without a database.

With REST framework: header -> `JWTBearer` (verify) -> `HasScope` (permit) -> your view, with `request.auth.claims`:

    class Accounts(APIView):
        authentication_classes = [JWTBearer]
        permission_classes = [HasScope]
        required_scopes = {"GET": ["accounts:read"]}

or, with types, a subclass of `oauth.resource_server.views.TokenView`, whose handlers get a `TokenRequest` with
`request.token` and `request.claims`. Without REST framework: the decorator `needs_token` for Django's views, including
asynchronous ones; `oauth.resource_server.ninja` for Django Ninja; `configure`, `APIRequest` and `require_token` for
other programs. Names are imported at first use, so a program without Django or REST framework never loads them. If
`OAUTH["VERIFICATION_KEYS"]` is not set, the JWK Set is fetched from `JWKS_URI` over HTTP.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oauth.conf import configure
    from oauth.resource_server.api_request import APIRequest
    from oauth.resource_server.authentication import authenticate, require_token
    from oauth.resource_server.authorization import authorization_of, end_authorization, is_client_disabled
    from oauth.resource_server.challenges import (
        InsufficientScope,
        InsufficientUserAuthentication,
        InvalidToken,
        Refusal,
    )
    from oauth.resource_server.decorators import needs_token
    from oauth.resource_server.jwt_bearer import JWTBearer
    from oauth.resource_server.permissions import HasScope
    from oauth.resource_server.request import TokenRequest
    from oauth.resource_server.revocation import is_live, live_query, require_live
    from oauth.resource_server.scopes import require_scopes
    from oauth.resource_server.step_up import is_authenticated_since, require_authentication
    from oauth.resource_server.throttling import ThrottleToken, say_limit

_MODULES = {
    "oauth.conf": ("configure",),
    "oauth.resource_server.api_request": ("APIRequest",),
    "oauth.resource_server.authentication": ("authenticate", "require_token"),
    "oauth.resource_server.authorization": ("authorization_of", "end_authorization", "is_client_disabled"),
    "oauth.resource_server.challenges": (
        "InsufficientScope", "InsufficientUserAuthentication", "InvalidToken", "Refusal",
    ),
    "oauth.resource_server.decorators": ("needs_token",),
    "oauth.resource_server.jwt_bearer": ("JWTBearer",),
    "oauth.resource_server.permissions": ("HasScope",),
    "oauth.resource_server.request": ("TokenRequest",),
    "oauth.resource_server.revocation": ("is_live", "live_query", "require_live"),
    "oauth.resource_server.scopes": ("require_scopes",),
    "oauth.resource_server.step_up": ("is_authenticated_since", "require_authentication"),
    "oauth.resource_server.throttling": ("ThrottleToken", "say_limit"),
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """PEP 562: a name is imported from its module at first use."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULE_OF[name]), name)
    return value


__all__ = [
    "APIRequest",
    "HasScope",
    "InsufficientScope",
    "InsufficientUserAuthentication",
    "InvalidToken",
    "JWTBearer",
    "Refusal",
    "ThrottleToken",
    "TokenRequest",
    "authenticate",
    "authorization_of",
    "configure",
    "end_authorization",
    "is_authenticated_since",
    "is_client_disabled",
    "is_live",
    "live_query",
    "needs_token",
    "require_authentication",
    "require_live",
    "require_scopes",
    "require_token",
    "say_limit",
]
