"""Step-up authentication (RFC 9470): this request needs a person who has just logged in, or more strongly."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from oauth.resource_server.challenges import InsufficientUserAuthentication
from oauth.tokens.access_token import AccessToken


def require_authentication(
    token: AccessToken, *, acr_values: Sequence[str] = (), max_age: timedelta | None = None
) -> None:
    """Raises InsufficientUserAuthentication (401) unless the person behind the token logged in by one of these
    `acr_values`, and no longer than `max_age` ago. A token that does not say when or how is not enough."""
    claims = token.claims
    is_weak = bool(acr_values) and claims.acr not in acr_values
    is_old = max_age is not None and (claims.auth_time is None or datetime.now(UTC) - claims.auth_time > max_age)
    if is_weak or is_old:
        raise InsufficientUserAuthentication(acr_values=acr_values, max_age=max_age)
