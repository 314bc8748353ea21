"""How and when the user of a browser logged in: `acr`, `amr` and `auth_time`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils import timezone

from oauth.infrastructure import clock
from oauth.infrastructure.provided import Provided


@dataclass(frozen=True, slots=True)
class AuthenticationContext:
    """`amr` has values of RFC 8176, and `acr` is one of OAUTH["ACR_VALUES"]. `reachable_acr` returns the strongest acr
    that the user can reach with their login methods.
    """

    auth_time: datetime
    acr: str
    amr: tuple[str, ...]
    reachable_acr: Callable[[], str] = str


#: The function named by OAUTH["AUTHENTICATION_CONTEXT"].
source: Provided[Callable[[HttpRequest], AuthenticationContext]] = Provided()
#: The first of OAUTH["ACR_VALUES"].
weakest_acr: Provided[str] = Provided()
_LOGGED_IN_AT = "oauth.logged_in_at"


def current(request: HttpRequest) -> AuthenticationContext:
    return source.values(request)


def login_of(request: HttpRequest) -> AuthenticationContext | None:
    """Like `current`; None if nobody is logged in."""
    return current(request) if request.user.is_authenticated else None


def from_last_login(request: HttpRequest) -> AuthenticationContext:
    """For a site with Django's login: the method is a password, and the time is that of the last login in this browser.

    `last_login` may be of another browser. It is used only for a browser that logged in before the upgrade to this
    release.
    """
    user: Any = request.user
    at = request.session.get(_LOGGED_IN_AT)
    auth_time = datetime.fromtimestamp(at, UTC) if at else user.last_login or timezone.now()
    return AuthenticationContext(auth_time=auth_time, acr=weakest_acr.values, amr=("pwd",))


def remember_time(browser_session: SessionBase) -> None:
    """Call it when a user logs in."""
    browser_session[_LOGGED_IN_AT] = clock.now().timestamp()
