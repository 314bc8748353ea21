"""“Send it again” on pages that have sent an email. The wait doubles with each email that this browser requests.

The page counts the wait down, and the server enforces it. The wait does not depend on whether the email has a user
account. accounts.addresses.mail_limit limits the emails to one address.
"""

import math
import time
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

FIRST_WAIT_SECONDS = 60
LONGEST_WAIT_SECONDS = 3600
_KEY = "accounts.sent"


def remember(request: HttpRequest, page: str, email: str, *, about: object = "") -> None:
    """Counts an email, even one that was not sent because the address has no account. The count starts again for
    another `email` or another `about`, which identifies the login that the email belongs to.
    """
    sent = _sent(request, page)
    is_same = sent is not None and (sent["email"], sent["about"]) == (email, about)
    times = sent["times"] + 1 if sent is not None and is_same else 1
    all_sent = request.session.get(_KEY) or {}
    request.session[_KEY] = {
        **all_sent, page: {"email": email, "about": about, "times": times, "at": time.time()}
    }  # fmt: skip


def email_of(request: HttpRequest, page: str) -> str:
    """The address to which this browser requested an email; empty if there is none."""
    sent = _sent(request, page)
    return str(sent["email"]) if sent else ""


def is_remembered(request: HttpRequest, page: str, about: object) -> bool:
    sent = _sent(request, page)
    return sent is not None and sent["about"] == about


def seconds_left(request: HttpRequest, page: str) -> int:
    sent = _sent(request, page)
    if sent is None:
        return 0
    wait: int = min(FIRST_WAIT_SECONDS * 2 ** (sent["times"] - 1), LONGEST_WAIT_SECONDS)
    return max(0, math.ceil(float(sent["at"]) + wait - time.time()))


def is_early(request: HttpRequest, page: str) -> bool:
    """Whether the wait is not over. If so, adds a message that says how long to wait."""
    left = seconds_left(request, page)
    if left:
        text = ngettext(
            "Wait %(count)s second, then ask again.", "Wait %(count)s seconds, then ask again.", left
        ) % {"count": left}  # fmt: skip
        messages.error(request, text)
    return bool(left)


def is_under_way(request: HttpRequest) -> bool:
    return getattr(request, "is_sending_again", False)


def say_sent(request: HttpRequest) -> None:
    messages.success(request, _("We have sent it again. Use the newest email."))


def _sent(request: HttpRequest, page: str) -> dict[str, Any] | None:
    sent = (request.session.get(_KEY) or {}).get(page)
    return sent if isinstance(sent, dict) else None
