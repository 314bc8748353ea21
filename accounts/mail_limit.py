"""How many mails pages send to one address, whoever asks and for whatever: sign-up, confirmation, code, reset.

One more is not sent, and the page does not say so: the asker may be a stranger. What one asker may cause is counted
apart, so that a stranger does not use up what the owner needs; a browser that the owner has logged in from counts for
itself alone. Notices are no answer to a page and are not counted.
"""

from collections.abc import Callable

from django.http import HttpRequest

from accounts import known_device
from accounts.models import UserManager
from oauth.errors import TooManyRequests
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit

ONE_ASKER = Limit("mails-of-one-asker", 3, seconds=300)
ALL_ASKERS = Limit("mails-to-one-address", 12, seconds=3600)


def is_reached(request: HttpRequest, email: str, *, is_proven: bool = False) -> bool:
    """Counts this mail. `is_proven`: the asker knows the password, so strangers' mails do not count against it."""
    return _refuses(rate_limits.spend, request, email, is_proven)


def will_be_reached(request: HttpRequest, email: str) -> bool:
    """Whether the next mail would be one too many; counts nothing."""
    return _refuses(rate_limits.check, request, email, False)


def _refuses(look: Callable[..., None], request: HttpRequest, email: str, is_proven: bool) -> bool:
    email = UserManager.normalize_email(email)
    device = known_device.of(request, email)
    asker = device or rate_limits.address_of(request)
    try:
        look(ONE_ASKER, email, "proven" if is_proven else "asked", asker)
        if device is None and not is_proven:
            look(ALL_ASKERS, email)
    except TooManyRequests:
        return True
    return False
