"""When a payment needs a user who has just logged in (RFC 9470, SCA-RTS art. 4, 5): the limit looks at the sum of a
day, so that an amount cannot be sent in slices."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone
from uuid_utils.compat import uuid7

#: A day is any 24 hours: a calendar day would let two limits pass around midnight.
DAY = timedelta(days=1)

# Everything that the user ordered, from any account and by any app or page. Cancelled, expired and rejected payments
# count, or slices could be recycled; only what the bank refused at once moved nothing and was never held. Orders that
# are due today count before they are made. Transfers are found by id, which grows with time and is indexed.
_PAID = """
SELECT (SELECT coalesce(sum(amount_minor), 0) FROM transfer
         WHERE user_id = %(user)s AND id > %(since)s AND currency = %(currency)s
           AND NOT (status = 'rejected' AND hold_id IS NULL))
     + (SELECT coalesce(sum(amount_minor), 0) FROM scheduled_transfer
         WHERE user_id = %(user)s AND status = 'active' AND next_on <= %(today)s AND currency = %(currency)s)
"""


class StrongProofNeeded(Exception):
    """The user must prove who they are again. No LedgerRefusal: it is not kept under the idempotency key, so the same
    request can be repeated after the proof."""


def paid_today(user_id: UUID, currency: str) -> int:
    """In minor units. To decide by it, enter the queue first."""
    since = uuid7(nanoseconds=int((timezone.now() - DAY).timestamp() * 10**9))
    values: dict[str, Any] = {"user": user_id, "since": since, "today": timezone.localdate(), "currency": currency}
    with connection.cursor() as cursor:
        cursor.execute(_PAID, values)
        return int(cursor.fetchone()[0])


def is_needed(user_id: UUID, currency: str, amount_minor: int) -> bool:
    """Whether the sum of the day reaches STEP_UP_AMOUNT_MINOR of this currency with this payment."""
    return paid_today(user_id, currency) + amount_minor >= settings.STEP_UP_AMOUNT_MINOR


def check(user_id: UUID, currency: str, amount_minor: int, *, is_proven: bool) -> bool:
    """Whether the owner is told of it: the payment is large, or the first of the day to reach the limit. Raises
    StrongProofNeeded. The caller has entered the queue."""
    before = paid_today(user_id, currency)
    if before + amount_minor < settings.STEP_UP_AMOUNT_MINOR:
        return False
    if not is_proven:
        raise StrongProofNeeded
    return amount_minor >= settings.STEP_UP_AMOUNT_MINOR or before < settings.STEP_UP_AMOUNT_MINOR
