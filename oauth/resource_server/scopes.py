"""The scopes that a request needs."""

from collections.abc import Sequence

from oauth.resource_server.challenges import InsufficientScope
from oauth.tokens.access_token import AccessToken


def require_scopes(token: AccessToken, required: Sequence[str]) -> None:
    """The token must have all of these scopes (ASVS 5.0 10.3.2). Raises InsufficientScope (403), which names them."""
    if not token.claims.scopes.issuperset(required):
        raise InsufficientScope(required)
