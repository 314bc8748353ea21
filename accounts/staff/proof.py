"""Which proof of who they are staff need in the admin: a second factor in this login, and a recent proof before an act
(ASVS 5.0 8.2.4, 7.5.3)."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from accounts import authentication_context, second_factors
from oauth.conf import conf


def is_strong_enough(request: HttpRequest) -> bool:
    """A trusted browser is no second factor. A user who has one is always asked for it, whatever the settings say."""
    known: bool | None = getattr(request, "_is_strong_enough", None)
    if known is None:
        known = _is_strong(request) or not (settings.STAFF_SECOND_FACTOR or second_factors.of(request.user))
        request._is_strong_enough = known  # type: ignore[attr-defined]
    return known


def is_recent(request: HttpRequest) -> bool:
    """At login or since, within STAFF_PROOF_MAX_AGE; zero turns the rule off."""
    longest: timedelta = settings.STAFF_PROOF_MAX_AGE
    return not longest or timezone.now() - authentication_context.of(request).auth_time < longest


def _is_strong(request: HttpRequest) -> bool:
    context: Any = authentication_context.of(request)
    return bool(context.acr == conf.ACR_VALUES[-1])
