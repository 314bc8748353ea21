"""Checks immediately whether a token was revoked, for requests such as payments that cannot wait for the next status
list.

`require_live` calls the function named by OAUTH["REVOCATION_CHECK"]. Without this setting, it accepts every token, and
the resource server relies on the status list and the token's expiry.
"""

from typing import Any

from oauth.conf import conf
from oauth.infrastructure.dotted_path import resolve
from oauth.resource_server.challenges import InvalidToken
from oauth.tokens.access_token import AccessToken


def is_live(names: Any) -> bool:
    """Whether the authorization is live. `names` are the claims of a token, or a row that stores them."""
    return not conf.REVOCATION_CHECK or bool(resolve(conf.REVOCATION_CHECK)(names))


def live_query(names: Any) -> tuple[str, list[Any]] | None:
    """`is_live` as SQL and its parameters, for a statement that must take effect only if the authorization is live. The
    query returns one row, `is_live`, or none.

    None if the caller must call `is_live` instead, because the function has no attribute `as_query`, or because its
    query does not support this token.
    """
    if not conf.REVOCATION_CHECK:
        return "SELECT true AS is_live", []
    as_query = getattr(resolve(conf.REVOCATION_CHECK), "as_query", None)
    found: tuple[str, list[Any]] | None = as_query(names) if as_query else None
    return found


def require_live(token: AccessToken) -> None:
    """Raises InvalidToken (401) if the authorization behind the token has ended."""
    if not is_live(token.claims):
        raise InvalidToken("The authorization behind this token has ended.")
