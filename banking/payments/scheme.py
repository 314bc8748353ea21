"""The way to other banks. The setting PAYMENT_SCHEME names a function `(transfer) -> Outcome`.

It is called at least once per transfer, so it must recognize a transfer by its id and pay it once. It raises Unanswered
if it does not know the outcome; it is called again later. Without the setting no other bank can be paid.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string

from banking.models import Transfer


class Unanswered(Exception):
    """The outcome of the transfer is not known yet; the scheme is asked again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`reason` is a word for why it was not paid, such as `account_closed`; empty if it was paid."""

    reason: str = ""


Scheme = Callable[[Transfer], Outcome]


def configured_scheme() -> Scheme | None:
    if not settings.PAYMENT_SCHEME:
        return None
    scheme: Scheme = import_string(settings.PAYMENT_SCHEME)
    return scheme
