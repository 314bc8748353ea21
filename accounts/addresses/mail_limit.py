"""Limits how many emails the pages for sign-up, confirmation, login code and password reset together send to one
address.

An email above the limit is not sent, and the page does not say so, because a stranger may have asked. Each IP address
has its own limit, and all IP addresses share another. A browser from which the owner has logged in before has a limit
that no stranger can use up. Notices are not counted.
"""

from collections.abc import Callable

from django.http import HttpRequest

from accounts.browsers import known_device
from accounts.models import UserManager
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit, LimitReached

ONE_ASKER = Limit("mails-of-one-asker", 3, seconds=300)
ALL_ASKERS = Limit("mails-to-one-address", 12, seconds=3600)


def is_reached(request: HttpRequest, email: str, *, is_proven: bool = False) -> bool:
    """Counts this email and returns whether it is above the limit. With `is_proven`, the sender of the request knows
    the password, so emails that strangers caused do not count.
    """
    return _refuses(rate_limits.spend, request, email, is_proven)


def will_be_reached(request: HttpRequest, email: str) -> bool:
    """Whether the next email would be above the limit. Counts nothing."""
    return _refuses(rate_limits.check, request, email, False)


def _refuses(look: Callable[..., None], request: HttpRequest, email: str, is_proven: bool) -> bool:
    email = UserManager.normalize_email(email)
    device = known_device.device_of(request, email)
    asker = device or rate_limits.address_of(request)
    try:
        look(ONE_ASKER, email, "proven" if is_proven else "asked", asker)
        if device is None and not is_proven:
            look(ALL_ASKERS, email)
    except LimitReached:
        return True
    return False
