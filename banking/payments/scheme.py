"""The way to other banks: the site's PAYMENT_SCHEME names a function (transfer) -> Outcome.

It is called at least once per transfer, so it must know a transfer by its id and pay it once. It raises Unanswered
when it cannot tell; then it is asked again. Without the setting no other bank can be paid.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string

from banking.models import Transfer


class Unanswered(Exception):
    """The scheme did not say what became of the transfer; it is asked again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`reason` says in a word why it was not paid (`account_closed`); empty: it was paid."""

    reason: str = ""


Scheme = Callable[[Transfer], Outcome]


def of_site() -> Scheme | None:
    if not settings.PAYMENT_SCHEME:
        return None
    scheme: Scheme = import_string(settings.PAYMENT_SCHEME)
    return scheme
