"""Finds the bank days that are closed, and those that have ended since."""

from datetime import date, datetime, timedelta
from itertools import takewhile

from banking.models import BankDay
from banking.notation import bank_day

ONE_DAY = timedelta(days=1)


def first_opened() -> date | None:
    return BankDay.objects.order_by("day").values_list("day", flat=True).first()


def not_closed(by: datetime, *, from_the_last: bool = False) -> list[date]:
    """Returns the days after the last closed one that have ended by that time. The stored end of an opened day stays,
    even if the bank's time zone has changed since. If no day was ever opened, returns the last day that has ended if
    `from_the_last` is set, otherwise none.
    """
    last = bank_day.day_of(by) - ONE_DAY
    closed = _last_closed()
    first = closed + ONE_DAY if closed else first_opened() or (last if from_the_last else None)
    days = [first + n * ONE_DAY for n in range((last - first).days + 1)] if first else []
    ends = dict(BankDay.objects.filter(day__in=days).values_list("day", "ends_at"))
    return list(takewhile(lambda day: ends.get(day, bank_day.ends_at(day)) <= by, days))


def _last_closed() -> date | None:
    return BankDay.objects.filter(status=BankDay.Status.CLOSED).order_by("-day").values_list("day", flat=True).first()
