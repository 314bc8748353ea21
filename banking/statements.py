"""Statements: one closed month of one account, the same whenever it is read.

A month holds the entries from after the last one of the month before to its own last one, by `account_seq`: what was
booked by two clocks at midnight is in exactly one month, and opening + entries = closing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from banking.models import LedgerEntry

#: Whoever held a lock at midnight has booked by then.
SETTLING = timedelta(hours=1)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    year: int
    month: int

    @classmethod
    def of(cls, at: datetime | date) -> "Month":
        return cls(at.year, at.month)

    @classmethod
    def parse(cls, text: str) -> "Month | None":
        """Of `2026-10`."""
        year, dash, month = text.partition("-")
        is_form = text.isascii() and dash and len(year) == 4 and len(month) == 2 and (year + month).isdigit()
        return cls(int(year), int(month)) if is_form and int(year) > 0 and 1 <= int(month) <= 12 else None

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @property
    def begins_at(self) -> datetime:
        return datetime(self.year, self.month, 1, tzinfo=timezone.get_default_timezone())

    @property
    def ends_at(self) -> datetime:
        """Exclusive."""
        return self.next.begins_at

    @property
    def next(self) -> "Month":
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def before(self) -> "Month":
        return Month(self.year - (self.month == 1), (self.month - 2) % 12 + 1)

    @property
    def is_closed(self) -> bool:
        return self.year < 9999 and self.ends_at + SETTLING <= timezone.now()


def last_closed() -> Month:
    return Month.of(timezone.now() - SETTLING).before


def months(opened_at: datetime, *, before: Month | None = None) -> Iterator[Month]:
    """Those with a statement, newest first; `before` is exclusive."""
    month = before.before if before else last_closed()
    while month >= Month.of(opened_at):
        yield month
        month = month.before


@dataclass(frozen=True, slots=True)
class Statement:
    month: Month
    first_seq: int
    last_seq: int
    opening_minor: int
    closing_minor: int
    entries: QuerySet[LedgerEntry]


def of(account_id: Any, month: Month) -> Statement:
    """Two queries; the entries, oldest first, are a third when they are read."""
    opening, closing = (_last(account_id, at) for at in (month.begins_at, month.ends_at))
    entries = LedgerEntry.objects.filter(
        account_id=account_id, account_seq__gt=opening[0], account_seq__lte=closing[0]
    ).order_by("account_seq")
    return Statement(month, opening[0] + 1, closing[0], opening[1], closing[1], entries)


def _last(account_id: Any, before: datetime) -> tuple[int, int]:
    """Number and running balance of the last entry booked before; zeros where there is none."""
    entries = LedgerEntry.objects.filter(account_id=account_id, booked_at__lt=before)
    last = entries.order_by("-booked_at", "-account_seq").values_list("account_seq", "balance_after_minor").first()
    return last or (0, 0)
