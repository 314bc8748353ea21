"""How and when the user at the browser logged in: `acr`, `amr` and `auth_time`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string

from oauth.conf import conf


@dataclass(frozen=True, slots=True)
class AuthenticationContext:
    """`amr` holds values of RFC 8176, and `acr` one of OAUTH["ACR_VALUES"]. `reachable_acr` returns the strongest acr
    that the user could reach with the login methods that they have set up."""

    auth_time: datetime
    acr: str
    amr: tuple[str, ...]
    reachable_acr: Callable[[], str] = str


def current(request: HttpRequest) -> AuthenticationContext:
    """From the function that OAUTH["AUTHENTICATION_CONTEXT"] names."""
    context: AuthenticationContext = import_string(conf.AUTHENTICATION_CONTEXT)(request)
    return context


def login_of(request: HttpRequest) -> AuthenticationContext | None:
    """The same; None if nobody is logged in."""
    return current(request) if request.user.is_authenticated else None


def from_last_login(request: HttpRequest) -> AuthenticationContext:
    """For a site with only Django's own login: a password, at `last_login`."""
    user: Any = request.user
    return AuthenticationContext(auth_time=user.last_login or timezone.now(), acr=conf.ACR_VALUES[0], amr=("pwd",))
