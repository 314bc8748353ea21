"""Checks that a token has not been revoked, for requests such as payments that cannot wait for the next status list.

`require_live` calls the function that OAUTH["REVOCATION_CHECK"] names. Without this setting it accepts every token, and
a resource server relies on the status list and the token's expiry. Requests that only read rely on them, too.
"""

from typing import Any

from oauth.conf import conf
from oauth.infrastructure.dotted_path import resolve
from oauth.resource_server.challenges import InvalidToken
from oauth.tokens.access_token import AccessToken


def is_live(names: Any) -> bool:
    """Whether the authorization behind a token's claims, or behind a row that stores their names, is live."""
    return not conf.REVOCATION_CHECK or bool(resolve(conf.REVOCATION_CHECK)(names))


def require_live(token: AccessToken) -> None:
    """Raises InvalidToken (401) if the authorization behind the token has ended."""
    if not is_live(token.claims):
        raise InvalidToken("The authorization behind this token has ended.")
