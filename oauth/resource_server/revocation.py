"""For what a short-lived JWT alone is not enough, such as moving money: is it revoked by now?

Reads trust the token for its few minutes. `require_live` asks the function that OAUTH["REVOCATION_CHECK"] names;
a resource server without one has only the token's expiry.
"""

from typing import Any

from django.utils.module_loading import import_string

from oauth.conf import conf
from oauth.resource_server.challenges import InvalidToken
from oauth.tokens.access_token import AccessToken


def is_live(names: Any) -> bool:
    """Whether the authorization behind a token's claims, or behind what was ordered by one, still holds."""
    return not conf.REVOCATION_CHECK or bool(import_string(conf.REVOCATION_CHECK)(names))


def require_live(token: AccessToken) -> None:
    """Raises InvalidToken (401) where the authorization behind the token has ended."""
    if not is_live(token.claims):
        raise InvalidToken("The authorization behind this token has ended.")
