"""Requires a login that is recent enough."""

from datetime import datetime, timedelta

from oauth.authorize.interaction import Interaction, start
from oauth.authorize.outcome import Ended, LogIn
from oauth.authorize.request import AuthorizationRequest
from oauth.authorize.steps.refuse import refuse
from oauth.errors import LoginRequired
from oauth.sessions.authentication_context import AuthenticationContext


def require_login(interaction: Interaction) -> LogIn | Ended | None:
    """OpenID Connect Core §3.1.2.1: prompt=login and max_age may require a new login."""
    if interaction.login is not None and _is_fresh(interaction.request, interaction.login):
        return None
    if interaction.request.is_silent:
        return refuse(interaction, LoginRequired("The user must log in."))
    return LogIn(start(interaction))


def _is_fresh(request: AuthorizationRequest, login: AuthenticationContext) -> bool:
    if logged_in_since(request.created_at, login.auth_time):
        return True
    return is_young_enough(request.created_at, login.auth_time, request.max_age) and "login" not in request.prompts


def is_young_enough(request_made_at: datetime, auth_time: datetime, max_age: timedelta | None) -> bool:
    """Whether the login came after the request, or was at most `max_age` old when the request was made (OpenID Connect
    Core §3.1.2.1). None for `max_age` means no limit."""
    if max_age is None or logged_in_since(request_made_at, auth_time):
        return True
    return request_made_at - auth_time <= max_age


def logged_in_since(request_made_at: datetime, auth_time: datetime) -> bool:
    """Whether the login came after the request, with microsecond precision."""
    return auth_time >= request_made_at
