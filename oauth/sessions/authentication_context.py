"""How and when the user at the browser logged in: `acr`, `amr` and `auth_time`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from oauth.infrastructure.provided import Provided


@dataclass(frozen=True, slots=True)
class AuthenticationContext:
    """`amr` holds values of RFC 8176, and `acr` one of OAUTH["ACR_VALUES"]. `reachable_acr` returns the strongest acr
    that the user could reach with the login methods that they have set up."""

    auth_time: datetime
    acr: str
    amr: tuple[str, ...]
    reachable_acr: Callable[[], str] = str


#: The function that OAUTH["AUTHENTICATION_CONTEXT"] names.
source: Provided[Callable[[HttpRequest], AuthenticationContext]] = Provided()
#: The first of OAUTH["ACR_VALUES"].
weakest_acr: Provided[str] = Provided()


def current(request: HttpRequest) -> AuthenticationContext:
    return source.values(request)


def login_of(request: HttpRequest) -> AuthenticationContext | None:
    """As `current`; None if nobody is logged in."""
    return current(request) if request.user.is_authenticated else None


def from_last_login(request: HttpRequest) -> AuthenticationContext:
    """The context for a site that has only Django's own login: the method is a password, and the time is
    `last_login`.
    """
    user: Any = request.user
    return AuthenticationContext(auth_time=user.last_login or timezone.now(), acr=weakest_acr.values, amr=("pwd",))
