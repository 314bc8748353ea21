"""Checks the scopes of a token."""

from collections.abc import Sequence

from oauth.resource_server.challenges import InsufficientScope
from oauth.tokens.access_token import AccessToken


def require_scopes(token: AccessToken, required: Sequence[str]) -> None:
    """Raises InsufficientScope (403), which names the scopes, unless the token has all of them (ASVS 5.0 10.3.2)."""
    if not token.claims.scopes.issuperset(required):
        raise InsufficientScope(required)
