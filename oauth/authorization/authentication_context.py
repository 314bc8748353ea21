"""How and when the person at the browser logged in: what `acr`, `amr` and `auth_time` say."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string

from oauth.conf import conf

ACR_PASSWORD = "urn:countersign:acr:pwd"
ACR_MULTI_FACTOR = "urn:countersign:acr:mfa"


@dataclass(frozen=True, slots=True)
class AuthenticationContext:
    """`amr` holds values of RFC 8176; `acr` is one of the two above."""

    auth_time: datetime
    acr: str
    amr: tuple[str, ...]


def of(request: HttpRequest) -> AuthenticationContext:
    """By the function that OAUTH["AUTHENTICATION_CONTEXT"] names."""
    context: AuthenticationContext = import_string(conf.AUTHENTICATION_CONTEXT)(request)
    return context


def from_last_login(request: HttpRequest) -> AuthenticationContext:
    """For a site with Django's own log-in only: a password, at `last_login`."""
    user: Any = request.user
    return AuthenticationContext(auth_time=user.last_login or timezone.now(), acr=ACR_PASSWORD, amr=("pwd",))
