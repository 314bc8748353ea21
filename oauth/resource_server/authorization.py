"""The authorization behind a token, for an API that shows it to the app, or takes it back for it.

`OAUTH["AUTHORIZATION_OF"]` and `OAUTH["END_AUTHORIZATION"]` name the functions; a site that is the authorization
server, too, names `oauth.authorize.from_claims.find` and `.end`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.module_loading import import_string
from rest_framework import status
from rest_framework.exceptions import APIException

from oauth.conf import conf
from oauth.tokens.access_token import AccessToken


class InsufficientRight(APIException):
    """The token was exchanged (RFC 8693): what the user allowed belongs to the client that they allowed it to."""

    status_code = status.HTTP_403_FORBIDDEN
    default_code = "insufficient_scope"  # RFC 6750 §3.1: more privileges than the token has
    default_detail = "Only the app that the user allowed can end this, with a token of its own."


@dataclass(frozen=True, slots=True)
class AuthorizationSummary:
    client_id: str
    client_name: str
    is_confidential: bool
    scopes: Sequence[str]
    authorization_details: Sequence[Mapping[str, Any]]
    granted_at: datetime | None
    expires_at: datetime | None


def authorization_of(names: Any) -> AuthorizationSummary | None:
    """Of an access token, or of what was ordered by one and names its authorization. None where it has ended, or where
    this site cannot know."""
    if not conf.AUTHORIZATION_OF:
        return None
    found: AuthorizationSummary | None = import_string(conf.AUTHORIZATION_OF)(getattr(names, "claims", names))
    return found


def end_authorization(token: AccessToken) -> bool:
    """Ends it at once, with all its tokens; whether this site can. Raises an APIException where the token may not:
    `InsufficientRight` for one that was exchanged, InsufficientScope for one that was narrowed."""
    if not conf.END_AUTHORIZATION:
        return False
    import_string(conf.END_AUTHORIZATION)(token.claims)
    return True
