"""What a user paid in a day, in one currency: for the limit of a fresh login and for the user's own limit."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from banking.notation import bank_day

#: Any 24 hours: with calendar days, the limit could be used twice around midnight.
DAY = timedelta(days=1)

# Everything that the user ordered, from any account, by any app or page. Payments that were cancelled, expired or
# rejected later count too, or the same slice could be sent again and again; those that the bank refused at once do not.
# For the user's own limit only what was or will be paid to others counts. Payment orders that are due today count
# before their transfers are made. Transfers are found by id, which grows with time and is indexed.
_SUMS = """
SELECT coalesce(sum(amount_minor), 0),
       coalesce(sum(amount_minor) FILTER (WHERE is_paid AND payee_iban <> ''), 0),
       (SELECT amount_minor FROM payment_limit WHERE user_id = %(user)s AND currency = %(currency)s)
  FROM (SELECT amount_minor, payee_iban, status IN ('pending', 'posted') AS is_paid FROM transfer
         WHERE user_id = %(user)s AND id > %(since)s AND currency = %(currency)s
           AND NOT (status = 'rejected' AND hold_id IS NULL)
        UNION ALL
        SELECT amount_minor, payee_iban, true FROM scheduled_transfer
         WHERE user_id = %(user)s AND status = 'active' AND next_on <= %(today)s AND currency = %(currency)s
           AND %(with_orders)s) AS payments
"""


@dataclass(frozen=True, slots=True)
class DaySum:
    """Amounts in minor units. `ordered` is everything, `to_others` what leaves the user's own accounts; `own_limit` is
    the most that the user wants to pay to others, None without a limit."""

    ordered: int
    to_others: int
    own_limit: int | None


def day_sum(user_id: UUID, currency: str, *, with_orders: bool = True) -> DaySum:
    """Without the orders that are due, it is what such an order is measured by: two of them would each wait for the
    other. To decide by the sum, hold the lock of the payer. One query."""
    since = uuid7(nanoseconds=int((timezone.now() - DAY).timestamp() * 10**9))
    values: dict[str, Any] = {
        "user": user_id,
        "since": since,
        "today": bank_day.today(),
        "currency": currency,
        "with_orders": with_orders,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, values)
        ordered, to_others, own_limit = cursor.fetchone()
    return DaySum(int(ordered), int(to_others), own_limit)
