"""Closing months: one row per account and month. Once the row exists, nothing more is booked into that month."""

from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, Max, OuterRef

from banking.accounts.months import Month, closed_months, last_closed
from banking.models import Account, MonthClosing

#: The maximum number of accounts that one run closes; the next run continues.
MOST_AT_ONCE = 100_000

_CLOSE = """
SELECT count(*) FILTER (WHERE close_month(%s, p.month, p.ends))
  FROM (SELECT * FROM unnest(%s::date[], %s::timestamptz[]) WITH ORDINALITY AS u (month, ends, number)
         ORDER BY number) p
"""


def close_months(*, most: int = MOST_AT_ONCE) -> int:
    """Closes, in order, the months of every account that have ended, each account in its own transaction. Returns the
    number of closed months. May be repeated, and may run while payments are made.
    """
    month = last_closed()
    is_closed = Exists(MonthClosing.objects.filter(account=OuterRef("pk"), month=month.first_day))
    open_ones = Account.objects.filter(~is_closed, opened_at__lt=month.ends_at).order_by("pk")
    closed_to = Max("month_closings__month")
    rows = open_ones.annotate(closed_to=closed_to).values_list("pk", "opened_at", "closed_to")[:most]
    return sum(_close(pk, opened_at, closed_to) for pk, opened_at, closed_to in list(rows))


def _close(account_id: UUID, opened_at: Any, closed_to: date | None) -> int:
    since = Month.of(closed_to).next.begins_at if closed_to else opened_at
    months = [*closed_months(since)][::-1]
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, [account_id, [one.first_day for one in months], [one.ends_at for one in months]])
        count: int = cursor.fetchone()[0]
        return count
