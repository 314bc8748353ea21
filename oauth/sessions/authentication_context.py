"""How and when the user of a browser logged in: `acr`, `amr` and `auth_time`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

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


def current(request: HttpRequest) -> AuthenticationContext:
    return source.values(request)


def login_of(request: HttpRequest) -> AuthenticationContext | None:
    """Like `current`; None if nobody is logged in."""
    return current(request) if request.user.is_authenticated else None


def from_last_login(request: HttpRequest) -> AuthenticationContext:
    """For a site with Django's login: the method is a password, and the time is `last_login`."""
    user: Any = request.user
    return AuthenticationContext(auth_time=user.last_login or timezone.now(), acr=weakest_acr.values, amr=("pwd",))
