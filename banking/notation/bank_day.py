"""The bank's day. The time zone of the setting BANK_TIME_ZONE decides when a day and a month begin: for statements,
payment orders, limits, filters, and what pages call today."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from django.conf import settings

from oauth.infrastructure import clock


def time_zone() -> tzinfo:
    return ZoneInfo(settings.BANK_TIME_ZONE)


def day_of(at: datetime) -> date:
    return at.astimezone(time_zone()).date()


def today() -> date:
    return day_of(clock.now())


def begins_at(day: date) -> datetime:
    """The first moment of the day, in UTC."""
    try:
        return datetime.combine(day, time(), time_zone()).astimezone(UTC)
    except OverflowError:  # in UTC, the moment is before the year 1 or after the year 9999
        return datetime.combine(day, time(), UTC)


def ends_at(day: date) -> datetime:
    """The first moment after the day, in UTC."""
    return datetime.max.replace(tzinfo=UTC) if day == date.max else begins_at(day + timedelta(days=1))
