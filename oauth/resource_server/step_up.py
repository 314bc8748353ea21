"""Step-up authentication (RFC 9470, ASVS 5.0 10.3.4): requires a recent or a stronger login."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from oauth.resource_server.challenges import InsufficientUserAuthentication
from oauth.tokens.access_token import AccessToken


def require_authentication(
    token: AccessToken, *, acr_values: Sequence[str] = (), max_age: timedelta | None = None
) -> None:
    """Requires that the user logged in with one of these `acr_values`, and at most `max_age` ago.

    Raises InsufficientUserAuthentication (401) otherwise, also if the token has no claim `acr` or `auth_time`.
    """
    is_weak = bool(acr_values) and token.claims.acr not in acr_values
    if is_weak or not (max_age is None or is_authenticated_since(token, max_age=max_age)):
        raise InsufficientUserAuthentication(acr_values=acr_values, max_age=max_age)


def is_authenticated_since(token: AccessToken, *, max_age: timedelta) -> bool:
    """Whether the token's `auth_time` is at most `max_age` ago."""
    auth_time = token.claims.auth_time
    return auth_time is not None and datetime.now(UTC) - auth_time <= max_age
