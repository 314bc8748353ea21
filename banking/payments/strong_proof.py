"""When a payment needs a user who has just logged in (RFC 9470; SCA-RTS art. 4, 5). The limit applies to the sum of a
day, so that splitting an amount into several payments does not avoid it.
"""

from collections.abc import Mapping
from uuid import UUID

from django.conf import settings

from banking.notation.currencies import PLAY_MONEY
from banking.payments.day_sum import day_sum

#: The limit for play money, low enough that developers can test a fresh login.
PLAY_MONEY_LIMIT_MINOR = 100_000


def limit_of(currency: str) -> int:
    """The sum from which payments need a fresh login, in minor units; 0 without an entry for the currency."""
    limits: Mapping[str, int] = settings.STEP_UP_AMOUNT_MINOR
    return limits.get(currency, PLAY_MONEY_LIMIT_MINOR if currency == PLAY_MONEY else 0)


def is_needed(user_id: UUID, currency: str, amount_minor: int) -> bool:
    """Whether the sum of the day reaches STEP_UP_AMOUNT_MINOR of this currency with this payment."""
    return day_sum(user_id, currency).ordered + amount_minor >= limit_of(currency)
