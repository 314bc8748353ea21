"""The days of a payment order: once, or every n days, weeks or months."""

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from banking.notation import business_days


class Frequency(models.TextChoices):
    ONCE = "once", _("Once")
    DAILY = "daily", _("Every day")
    WEEKLY = "weekly", _("Every week")
    MONTHLY = "monthly", _("Every month")
    MONTH_END = "month_end", _("On the last day of every month")


class ExecutionRule(models.TextChoices):
    """When the order pays if its day is not a business day (`executionRule` of the Berlin Group's NextGenPSD2)."""

    SAME_DAY = "same_day", _("On that day")
    FOLLOWING = "following", _("On the next business day")
    PRECEDING = "preceding", _("On the business day before")


#: The maximum number of days between an order's day and the business day on which it pays. No country has longer
#: closures.
MOST_DAYS_CLOSED = timedelta(days=14)
MAX_INTERVAL = 366


@dataclass(frozen=True, slots=True)
class Schedule:
    """Every `interval` days, weeks or months from `first_on` to `last_on`. In a shorter month, the 31st means the last
    day.
    """

    frequency: str
    interval: int
    first_on: date
    last_on: date | None = None

    def first_after(self, day: date | None) -> date | None:
        """The first day of the schedule, or the first one after `day`; None if there is none."""
        try:
            number = 0 if day is None or day < self.first_on else self._periods_until(day)
            found = self._nth(number)
            while found is not None and day is not None and found <= day:
                number += 1
                found = self._nth(number)
        except (OverflowError, ValueError):  # the day would be after the year 9999
            return None
        return found if found is None or self.last_on is None or found <= self.last_on else None

    def _periods_until(self, day: date) -> int:
        """A number of periods that ends on or before `day`."""
        if self.frequency in (Frequency.DAILY, Frequency.WEEKLY):
            return (day - self.first_on).days // self._step.days
        months = (day.year - self.first_on.year) * 12 + day.month - self.first_on.month
        return max(0, months // self.interval - 1)

    def _nth(self, number: int) -> date | None:
        if self.frequency == Frequency.ONCE:
            return self.first_on if number == 0 else None
        if self.frequency in (Frequency.DAILY, Frequency.WEEKLY):
            return self.first_on + number * self._step
        months = self.first_on.year * 12 + self.first_on.month - 1 + number * self.interval
        year, month = months // 12, months % 12 + 1
        last = calendar.monthrange(year, month)[1]
        return date(year, month, last if self.frequency == Frequency.MONTH_END else min(self.first_on.day, last))

    @property
    def _step(self) -> timedelta:
        return timedelta(days=self.interval * (7 if self.frequency == Frequency.WEEKLY else 1))


def pays_on(day: date, rule: str) -> date:
    """The day on which an order that is due on `day` pays."""
    moved: dict[str, Callable[[date], date]] = {
        ExecutionRule.FOLLOWING: business_days.on_or_after,
        ExecutionRule.PRECEDING: business_days.on_or_before,
    }
    return moved[rule](day) if rule in moved else day


def expected_on(day: date, rule: str, *, today: date) -> date:
    """The day on which a payment that is due on `day` and has not been made will be made. The business day before may
    have passed already, for example if the order was set up on a Saturday for Sunday.
    """
    moved = pays_on(day, rule)
    return business_days.on_or_after(today) if moved < today and rule != ExecutionRule.SAME_DAY else moved


def in_words(frequency: str, interval: int) -> str:
    if interval == 1:
        return str(Frequency(frequency).label)
    match frequency:
        case Frequency.DAILY:
            text = ngettext("Every %(number)d day", "Every %(number)d days", interval)
        case Frequency.WEEKLY:
            text = ngettext("Every %(number)d week", "Every %(number)d weeks", interval)
        case Frequency.MONTHLY:
            text = ngettext("Every %(number)d month", "Every %(number)d months", interval)
        case _:
            text = ngettext(
                "Every %(number)d month, on the last day of the month",
                "Every %(number)d months, on the last day of the month",
                interval,
            )
    return text % {"number": interval}
