"""Step-up authentication (RFC 9470, ASVS 5.0 10.3.4): this request needs a user who has just logged in, or more
strongly."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from oauth.resource_server.challenges import InsufficientUserAuthentication
from oauth.tokens.access_token import AccessToken


def require_authentication(
    token: AccessToken, *, acr_values: Sequence[str] = (), max_age: timedelta | None = None
) -> None:
    """Raises InsufficientUserAuthentication (401) unless the person behind the token logged in by one of these
    `acr_values`, and no longer than `max_age` ago. A token that does not say when or how is not enough."""
    is_weak = bool(acr_values) and token.claims.acr not in acr_values
    if is_weak or not (max_age is None or is_authenticated_since(token, max_age=max_age)):
        raise InsufficientUserAuthentication(acr_values=acr_values, max_age=max_age)


def is_authenticated_since(token: AccessToken, *, max_age: timedelta) -> bool:
    """Whether the token says that its person logged in no longer ago."""
    auth_time = token.claims.auth_time
    return auth_time is not None and datetime.now(UTC) - auth_time <= max_age
