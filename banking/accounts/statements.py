"""Statements: one closed month of one account. A statement never changes.

A month contains the entries after the last one of the previous month, up to its own last one, by `account_seq`. An
entry that was booked around midnight is therefore in exactly one month, and opening + entries = closing. The
MonthClosing says which entry is the last; before it is written, the times of the entries decide.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet

from banking.accounts.months import Month
from banking.models import LedgerEntry


@dataclass(frozen=True, slots=True)
class Extract:
    """The transactions that an account booked in a span of time. `ends_at` is exclusive."""

    begins_at: datetime
    ends_at: datetime
    first_seq: int
    last_seq: int
    opening_minor: int
    closing_minor: int
    entries: QuerySet[LedgerEntry]

    @property
    def number_of_rows(self) -> int:
        """Needs no query, because an account's entries are numbered without gaps."""
        return max(0, self.last_seq - self.first_seq + 1)

    @property
    def last_moment(self) -> datetime:
        """`ends_at` is exclusive."""
        return self.ends_at - timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Statement(Extract):
    month: Month


_CUTS = """
SELECT coalesce(c.last_seq, e.seq, 0), coalesce(c.closing_minor, e.balance_minor, 0), coalesce(c.ends_at, p.ends)
  FROM unnest(%(months)s::date[], %(ends)s::timestamptz[]) WITH ORDINALITY AS p (month, ends, number)
  LEFT JOIN month_closing c ON c.account_id = %(account)s AND c.month = p.month
  LEFT JOIN LATERAL last_entry_before(%(account)s, p.ends) e ON c.month IS NULL
 ORDER BY p.number
"""


def statement_of(account_id: Any, month: Month, using: str = DEFAULT_DB_ALIAS) -> Statement:
    """One query, and a second one that reads the entries, oldest first, from the same database."""
    ends = [month.begins_at, month.ends_at]
    values = {"account": account_id, "months": [month.before.first_day, month.first_day], "ends": ends}
    with connections[using].cursor() as cursor:
        cursor.execute(_CUTS, values)
        (before, opening_minor, begins_at), (last_seq, closing_minor, ends_at) = cursor.fetchall()
    entries = _entries(account_id, before, last_seq, using)
    return Statement(begins_at, ends_at, before + 1, last_seq, opening_minor, closing_minor, entries, month)


_BALANCES = """
SELECT coalesce(e.seq, 0), coalesce(e.balance_minor, 0)
  FROM unnest(%s::timestamptz[]) WITH ORDINALITY AS p (ends, number)
  LEFT JOIN LATERAL last_entry_before(%s, p.ends) e ON true
 ORDER BY p.number
"""


def extract_of(account_id: Any, begins_at: datetime, ends_at: datetime, using: str = DEFAULT_DB_ALIAS) -> Extract:
    """The transactions of any span, in the form of a statement. Until the span has ended, it may get more
    transactions.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(_BALANCES, [[begins_at, ends_at], account_id])
        (before, opening_minor), (last_seq, closing_minor) = cursor.fetchall()
    entries = _entries(account_id, before, last_seq, using)
    return Extract(begins_at, ends_at, before + 1, last_seq, opening_minor, closing_minor, entries)


def _entries(account_id: Any, before: int, last_seq: int, using: str) -> QuerySet[LedgerEntry]:
    of_account = LedgerEntry.objects.using(using).filter(
        account_id=account_id, account_seq__gt=before, account_seq__lte=last_seq
    )
    return of_account.order_by("account_seq")
