"""Statements: one closed month of one account, the same whenever it is read.

A month contains the entries after the last one of the month before, up to its own last one, by `account_seq`. An entry
that was booked around midnight is therefore in exactly one month, and opening + entries = closing. The closing rows say
which entry is the last; before they are written, the times of the entries do.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from banking.accounts.months import Month
from banking.models import LedgerEntry


@dataclass(frozen=True, slots=True)
class Statement:
    """`ends_at` is exclusive."""

    month: Month
    begins_at: datetime
    ends_at: datetime
    first_seq: int
    last_seq: int
    opening_minor: int
    closing_minor: int
    entries: QuerySet[LedgerEntry]


_CUTS = """
SELECT coalesce(c.last_seq, e.seq, 0), coalesce(c.closing_minor, e.balance_minor, 0), coalesce(c.ends_at, p.ends)
  FROM unnest(%(months)s::date[], %(ends)s::timestamptz[]) WITH ORDINALITY AS p (month, ends, number)
  LEFT JOIN month_closing c ON c.account_id = %(account)s AND c.month = p.month
  LEFT JOIN LATERAL last_entry_before(%(account)s, p.ends) e ON c.month IS NULL
 ORDER BY p.number
"""


def statement_of(account_id: Any, month: Month) -> Statement:
    """One query; a second one reads the entries, oldest first."""
    ends = [month.begins_at, month.ends_at]
    values = {"account": account_id, "months": [month.before.first_day, month.first_day], "ends": ends}
    with connection.cursor() as cursor:
        cursor.execute(_CUTS, values)
        (before, opening_minor, begins_at), (last_seq, closing_minor, ends_at) = cursor.fetchall()
    entries = LedgerEntry.objects.filter(
        account_id=account_id, account_seq__gt=before, account_seq__lte=last_seq
    ).order_by("account_seq")
    return Statement(month, begins_at, ends_at, before + 1, last_seq, opening_minor, closing_minor, entries)
