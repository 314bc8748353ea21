"""How many emails pages send to one address: for sign-up, confirmation, code and reset together.

An email above the limit is not sent, and the page does not say so, because a stranger may have asked. Each asker has a
limit of their own, so that a stranger cannot use up the limit of the owner; a browser from which the owner has logged
in before counts separately. Notices are not sent by a page, so they are not counted.
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
    """Counts this email and returns whether it is above the limit. `is_proven` means that the asker knows the password,
    so emails that strangers caused do not count.
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
