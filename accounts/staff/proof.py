"""How staff must have authenticated for the admin: with a second factor in this login, and recently before a change
(ASVS 5.0 8.2.4, 7.5.3)."""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest

from accounts import second_factors
from accounts.login import authentication_context


def is_strong_enough(request: HttpRequest) -> bool:
    """Whether staff used a second factor in this login; a trusted browser does not count. If STAFF_SECOND_FACTOR is
    off, only users who have a second factor must use it.
    """
    known: bool | None = getattr(request, "_is_strong_enough", None)
    if known is None:
        is_strong = authentication_context.has_used_second_factor(request)
        known = is_strong or not (settings.STAFF_SECOND_FACTOR or second_factors.types_of(request.user))
        request._is_strong_enough = known  # type: ignore[attr-defined]  # cached for this request
    return known


def is_recent(request: HttpRequest) -> bool:
    """Whether the last login or reauthentication is younger than STAFF_PROOF_MAX_AGE. Zero turns the rule off."""
    longest: timedelta = settings.STAFF_PROOF_MAX_AGE
    return not longest or authentication_context.age(request) < longest
