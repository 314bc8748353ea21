"""How and when the user at the browser logged in: `acr`, `amr` and `auth_time`."""

from collections.abc import Callable, Collection
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

    def meets(self, acr_values: Collection[str]) -> bool:
        """RFC 9470 §5, OpenID Connect Core §5.5.1.1: whether the login is at least as strong as one of these."""
        return not acr_values or _meets(self.acr, acr_values)

    def could_meet(self, acr_values: Collection[str]) -> bool:
        return _meets(self.reachable_acr(), acr_values)


def _meets(acr: str, acr_values: Collection[str]) -> bool:
    names = conf.ACR_VALUES
    return acr in names and any(one in names and names.index(one) <= names.index(acr) for one in acr_values)


def current(request: HttpRequest) -> AuthenticationContext:
    """From the function that OAUTH["AUTHENTICATION_CONTEXT"] names."""
    context: AuthenticationContext = import_string(conf.AUTHENTICATION_CONTEXT)(request)
    return context


def from_last_login(request: HttpRequest) -> AuthenticationContext:
    """For a site with only Django's own login: a password, at `last_login`."""
    user: Any = request.user
    return AuthenticationContext(auth_time=user.last_login or timezone.now(), acr=conf.ACR_VALUES[0], amr=("pwd",))
