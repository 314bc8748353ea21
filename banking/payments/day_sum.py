"""What a user paid in a day, in one currency: for the limit above which a fresh login is needed, and for the user's own
limit."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from banking.notation import bank_day
from oauth.infrastructure import clock
from oauth.infrastructure.rows import rows

#: A sliding window of 24 hours: with calendar days, the limit could be used twice around midnight.
DAY = timedelta(days=1)
_SUMS = "SELECT ordered, to_others, own_limit FROM day_sum(%s::uuid, %s::text, %s::uuid, %s::date, true)"


@dataclass(frozen=True, slots=True)
class DaySum:
    """Amounts in minor units. `ordered` is the sum of all payments, `to_others` of those that leave the user's own
    accounts. `own_limit` is the user's own limit for payments to others; None without a limit.
    """

    ordered: int
    to_others: int
    own_limit: int | None


def day_sum(user_id: UUID, currency: str) -> DaySum:
    """The sum includes payment orders that are due. One query. For display only: the database itself decides about
    payments.
    """
    [(ordered, to_others, own_limit)] = rows(_SUMS, [user_id, currency, day_ago(clock.now()), bank_day.today()])
    return DaySum(int(ordered), int(to_others), own_limit)


def day_ago(now: datetime) -> UUID:
    """An id that is lower than the ids of all payments of the last 24 hours."""
    return id_at(now - DAY)


def id_at(at: datetime) -> UUID:
    """An id of a transfer at that time."""
    return uuid7(nanoseconds=int(at.timestamp() * 10**9))
