"""How and when the person at the browser logged in: what `acr`, `amr` and `auth_time` say."""

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
    """`amr` holds values of RFC 8176; `acr` is of OAUTH["ACR_VALUES"], as is what `reachable_acr` finds out: the
    strongest that the person could log in by with what they have set up."""

    auth_time: datetime
    acr: str
    amr: tuple[str, ...]
    reachable_acr: Callable[[], str] = str

    def meets(self, acr_values: Collection[str]) -> bool:
        """RFC 9470 §5, OpenID Connect Core §5.5.1.1: by one of these, or more strongly. Nothing asked is met."""
        return not acr_values or _meets(self.acr, acr_values)

    def could_meet(self, acr_values: Collection[str]) -> bool:
        return _meets(self.reachable_acr(), acr_values)


def _meets(acr: str, acr_values: Collection[str]) -> bool:
    names = conf.ACR_VALUES
    return acr in names and any(one in names and names.index(one) <= names.index(acr) for one in acr_values)


def of(request: HttpRequest) -> AuthenticationContext:
    """By the function that OAUTH["AUTHENTICATION_CONTEXT"] names."""
    context: AuthenticationContext = import_string(conf.AUTHENTICATION_CONTEXT)(request)
    return context


def from_last_login(request: HttpRequest) -> AuthenticationContext:
    """For a site with Django's own log-in only: a password, at `last_login`."""
    user: Any = request.user
    return AuthenticationContext(auth_time=user.last_login or timezone.now(), acr=conf.ACR_VALUES[0], amr=("pwd",))
