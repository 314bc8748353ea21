"""The bank's business days: not weekends, and not the holidays of the calendar that BANK_HOLIDAYS names."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache

from django.conf import settings

#: The calendar of the euro's payment systems. Any other value is a country of ISO 3166-1, or a part of one: `GB-ENG`.
EURO = "ECB"
_DAY = timedelta(days=1)
_SATURDAY = 5


def is_business_day(day: date) -> bool:
    return _calendar(settings.BANK_HOLIDAYS)(day)


def on_or_after(day: date) -> date:
    while not is_business_day(day):
        day += _DAY
    return day


def on_or_before(day: date) -> date:
    while not is_business_day(day):
        day -= _DAY
    return day


@cache
def _calendar(name: str) -> Callable[[date], bool]:
    """A function that says whether a day is a working day. Raises ValueError for a calendar that does not exist."""
    if not name:
        return lambda day: day.weekday() < _SATURDAY
    import holidays  # the import takes half a second, and only some payment orders need it

    country, _dash, part = name.partition("-")
    try:
        if name == EURO:
            known = holidays.financial_holidays(name)
        else:
            known = holidays.country_holidays(country, subdiv=part or None)
    except NotImplementedError as error:
        raise ValueError(f"BANK_HOLIDAYS names no calendar: {name}.") from error
    return lambda day: bool(known.is_working_day(day))


def check_calendar(name: str) -> None:
    """Raises ValueError for a calendar that does not exist."""
    _calendar(name)
