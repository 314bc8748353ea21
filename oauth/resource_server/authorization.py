"""Reads and ends the authorization behind a token, for an API that offers this to apps.

`OAUTH["AUTHORIZATION_OF"]` and `OAUTH["END_AUTHORIZATION"]` name the functions. A site that is also the authorization
server uses `oauth.authorize.from_claims.find` and `.end`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from oauth.conf import conf
from oauth.infrastructure.dotted_path import resolve
from oauth.resource_server.challenges import Refusal
from oauth.tokens.access_token import AccessToken


class InsufficientRight(Refusal):
    """Only the client that the user allowed may end the authorization, not a client with a token from token exchange
    (RFC 8693).
    """

    status_code = 403
    default_code = "insufficient_scope"  # RFC 6750 §3.1: the request requires higher privileges
    default_detail = "Only the client that the user allowed can end this authorization, with a token issued to it."


@dataclass(frozen=True, slots=True)
class AuthorizationSummary:
    """`client_id` is the client that has the token. `allowed_client_id` is the client that the user allowed, which
    differs after token exchange (RFC 8693); empty if the client acts on its own behalf.
    """

    client_id: str
    client_name: str
    is_confidential: bool
    scopes: Sequence[str]
    authorization_details: Sequence[Mapping[str, Any]]
    granted_at: datetime | None
    expires_at: datetime | None
    allowed_client_id: str = ""


def authorization_of(names: Any) -> AuthorizationSummary | None:
    """The authorization behind an access token, or behind a row that stores the token's claims, such as a payment
    order.

    None if the authorization has ended, or if OAUTH["AUTHORIZATION_OF"] is not set.
    """
    if not conf.AUTHORIZATION_OF:
        return None
    found: AuthorizationSummary | None = resolve(conf.AUTHORIZATION_OF)(getattr(names, "claims", names))
    return found


def is_client_disabled(names: Any) -> bool:
    """Whether `authorization_of` returns None because staff have disabled the client. The authorization has not ended:
    it continues once they enable the client.

    False if the function of OAUTH["AUTHORIZATION_OF"] has no attribute `is_client_disabled`.
    """
    asked = getattr(resolve(conf.AUTHORIZATION_OF), "is_client_disabled", None) if conf.AUTHORIZATION_OF else None
    return bool(asked and asked(getattr(names, "claims", names)))


def end_authorization(token: AccessToken) -> bool:
    """Ends the authorization and all its tokens immediately. Returns False if OAUTH["END_AUTHORIZATION"] is not set.

    Raises InsufficientRight for a token from token exchange, and InsufficientScope for a token without all scopes of
    the authorization.
    """
    if not conf.END_AUTHORIZATION:
        return False
    resolve(conf.END_AUTHORIZATION)(token.claims)
    return True
