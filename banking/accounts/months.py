"""Calendar months in the bank's time zone, and when one is closed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar

from banking.notation import bank_day
from oauth.infrastructure import clock

#: The longest time after midnight in which a transaction that waited for a lock is booked.
SETTLING = timedelta(hours=1)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    #: The text of a month, `2026-10`.
    PATTERN: ClassVar[str] = "([0-9]{4})-(0[1-9]|1[0-2])"

    year: int
    month: int

    @classmethod
    def of(cls, at: datetime | date) -> "Month":
        day = bank_day.day_of(at) if isinstance(at, datetime) else at
        return cls(day.year, day.month)

    @classmethod
    def parse(cls, text: str) -> "Month | None":
        """The month of a text such as `2026-10`; None if the text is not a month."""
        form = re.fullmatch(cls.PATTERN, text)
        return cls(int(form[1]), int(form[2])) if form and int(form[1]) > 0 else None

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @property
    def first_day(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def begins_at(self) -> datetime:
        return bank_day.begins_at(self.first_day)

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
        return self.year < 9999 and self.ends_at + SETTLING <= clock.now()


def month_with_statement(text: str, opened_at: datetime) -> Month | None:
    """The month that a text such as `2026-10` names, if an account that was opened at this time has a statement for
    it.
    """
    month = Month.parse(text)
    return month if month is not None and month.is_closed and month >= Month.of(opened_at) else None


def last_closed() -> Month:
    return Month.of(clock.now() - SETTLING).before


def closed_months(opened_at: datetime, *, before: Month | None = None) -> Iterator[Month]:
    """The closed months since an account was opened, newest first; `before` is exclusive."""
    month = before.before if before else last_closed()
    while month >= Month.of(opened_at):
        yield month
        month = month.before
