"""When a payment needs a user who has just logged in (RFC 9470; SCA-RTS art. 4, 5). The limit applies to the sum of a
day, so that an amount cannot be sent in slices."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from banking.notation import bank_day
from banking.payments.refusals import StrongProofNeeded

#: Any 24 hours: with calendar days, the limit could be used twice around midnight.
DAY = timedelta(days=1)

# Everything that the user ordered, from any account, by any app or page. Payments that were cancelled, expired or
# rejected later count too, or the same slice could be sent again and again; those that the bank refused at once do not.
# Payment orders that are due today count before their transfers are made. Transfers are found by id, which grows with
# time and is indexed.
_PAID = """
SELECT (SELECT coalesce(sum(amount_minor), 0) FROM transfer
         WHERE user_id = %(user)s AND id > %(since)s AND currency = %(currency)s
           AND NOT (status = 'rejected' AND hold_id IS NULL))
     + (SELECT coalesce(sum(amount_minor), 0) FROM scheduled_transfer
         WHERE user_id = %(user)s AND status = 'active' AND next_on <= %(today)s AND currency = %(currency)s)
"""


def limit_of(currency: str) -> int:
    """The sum from which payments need a fresh login, in minor units; 0 without an entry for the currency."""
    limits: Mapping[str, int] = settings.STEP_UP_AMOUNT_MINOR
    return limits.get(currency, 0)


def paid_today(user_id: UUID, currency: str) -> int:
    """In minor units. To decide by it, hold the lock of the payer."""
    since = uuid7(nanoseconds=int((timezone.now() - DAY).timestamp() * 10**9))
    values: dict[str, Any] = {"user": user_id, "since": since, "today": bank_day.today(), "currency": currency}
    with connection.cursor() as cursor:
        cursor.execute(_PAID, values)
        return int(cursor.fetchone()[0])


def is_needed(user_id: UUID, currency: str, amount_minor: int) -> bool:
    """Whether the sum of the day reaches STEP_UP_AMOUNT_MINOR of this currency with this payment."""
    return paid_today(user_id, currency) + amount_minor >= limit_of(currency)


def require_proof(user_id: UUID, currency: str, amount_minor: int, *, is_proven: bool) -> bool:
    """Raises StrongProofNeeded if the sum of the day reaches the limit and the user has not just logged in.

    Returns whether the user is to be notified: the payment is large, or the first of the day to reach the limit. The
    caller must hold the lock of the payer.
    """
    before = paid_today(user_id, currency)
    if before + amount_minor < limit_of(currency):
        return False
    if not is_proven:
        raise StrongProofNeeded
    return amount_minor >= limit_of(currency) or before < limit_of(currency)
