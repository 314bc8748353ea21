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
    """Whether the authorization behind a token's claims, or behind a row that stores its identifiers, is live."""
    return not conf.REVOCATION_CHECK or bool(resolve(conf.REVOCATION_CHECK)(names))


def live_query(names: Any) -> tuple[str, list[Any]] | None:
    """`is_live` as a query and its parameters, for a statement that must act only for a live authorization. The query
    finds one row, `is_live`, or none.

    None if the caller must ask `is_live`: the function of OAUTH["REVOCATION_CHECK"] has no attribute `as_query`, or its
    query cannot decide about this token.
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
