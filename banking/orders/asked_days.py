"""Validates the days of a new payment order. The API and the web bank have their own error texts."""

from datetime import date, timedelta
from typing import Literal

from banking.models.schedule import Frequency
from banking.notation import bank_day

#: How far ahead the first day may be.
LONGEST_AHEAD = timedelta(days=2 * 366)


def find_wrong(
    *, frequency: str, first_on: date, last_on: date | None, interval: int
) -> Literal["last_on", "interval"] | None:
    """Returns the name of the first invalid member, if any. `last_on` must not be before `first_on`. A single payment
    must have one day and the interval 1.
    """
    is_once = frequency == Frequency.ONCE
    if last_on is not None and (last_on < first_on or (is_once and last_on > first_on)):
        return "last_on"
    return "interval" if is_once and interval != 1 else None


def may_begin_on(first_on: date) -> bool:
    """Whether a new order may begin on this day: between today and LONGEST_AHEAD. Unlike the answer of `find_wrong`,
    this one changes with time, so a retry with the idempotency key of an order must not depend on it.
    """
    today = bank_day.today()
    return today <= first_on <= today + LONGEST_AHEAD
