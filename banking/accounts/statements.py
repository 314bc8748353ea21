"""Statements: one closed month of one account, the same whenever it is read.

A month contains the entries after the last one of the month before, up to its own last one, by `account_seq`. An entry
that was booked around midnight is therefore in exactly one month, and opening + entries = closing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from banking.accounts.months import Month
from banking.models import LedgerEntry


@dataclass(frozen=True, slots=True)
class Statement:
    month: Month
    first_seq: int
    last_seq: int
    opening_minor: int
    closing_minor: int
    entries: QuerySet[LedgerEntry]


def statement_of(account_id: Any, month: Month) -> Statement:
    """Two queries; a third reads the entries, oldest first."""
    opening, closing = (_last(account_id, at) for at in (month.begins_at, month.ends_at))
    entries = LedgerEntry.objects.filter(
        account_id=account_id, account_seq__gt=opening[0], account_seq__lte=closing[0]
    ).order_by("account_seq")
    return Statement(month, opening[0] + 1, closing[0], opening[1], closing[1], entries)


def _last(account_id: Any, before: datetime) -> tuple[int, int]:
    """Number and running balance of the last entry booked before; zeros if there is none."""
    entries = LedgerEntry.objects.filter(account_id=account_id, booked_at__lt=before)
    last = entries.order_by("-booked_at", "-account_seq").values_list("account_seq", "balance_after_minor").first()
    return last or (0, 0)
