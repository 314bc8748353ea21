"""The days of payment orders, and which of them are business days."""

import calendar
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banking import checks
from banking.models.schedule import Schedule, in_words, pays_on
from banking.notation import business_days

DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))


def some(schedule, count=5):
    days, day = [], None
    while len(days) < count and (day := schedule.first_after(day)) is not None:
        days.append(day.isoformat())
    return days


@pytest.mark.parametrize(
    ("frequency", "interval", "first_on", "expected"),
    [
        ("once", 1, "2026-01-31", ["2026-01-31"]),
        ("daily", 10, "2026-02-20", ["2026-02-20", "2026-03-02", "2026-03-12", "2026-03-22", "2026-04-01"]),
        ("weekly", 2, "2026-12-21", ["2026-12-21", "2027-01-04", "2027-01-18", "2027-02-01", "2027-02-15"]),
        ("monthly", 1, "2027-12-31", ["2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"]),
        ("monthly", 3, "2026-11-30", ["2026-11-30", "2027-02-28", "2027-05-30", "2027-08-30", "2027-11-30"]),
        ("month_end", 1, "2026-11-15", ["2026-11-30", "2026-12-31", "2027-01-31", "2027-02-28", "2027-03-31"]),
        ("month_end", 6, "2026-02-28", ["2026-02-28", "2026-08-31", "2027-02-28", "2027-08-31", "2028-02-29"]),
    ],
)
def test_every_frequency_has_its_days(frequency, interval, first_on, expected):
    assert some(Schedule(frequency, interval, date.fromisoformat(first_on))) == expected


def test_the_last_day_is_the_last():
    schedule = Schedule("daily", 2, date(2026, 1, 1), last_on=date(2026, 1, 4))
    assert some(schedule) == ["2026-01-01", "2026-01-03"]
    assert Schedule("monthly", 1, date(9999, 12, 31)).first_after(date(9999, 12, 31)) is None


@given(st.sampled_from(["daily", "weekly", "monthly", "month_end"]), st.integers(1, 30), DAYS, DAYS)
def test_the_first_day_after_another_is_that_of_a_walk(frequency, interval, first_on, after):
    schedule = Schedule(frequency, interval, first_on)
    found = schedule.first_after(after)
    assert found is not None
    assert found > after
    assert found >= first_on
    number, walked = 0, schedule._nth(0)
    while walked <= after:
        number += 1
        walked = schedule._nth(number)
    assert found == walked


@given(st.integers(1, 12), DAYS)
def test_the_end_of_a_month_is_its_last_day(interval, first_on):
    for day in some(Schedule("month_end", interval, first_on), 12):
        at = date.fromisoformat(day)
        assert at.day == calendar.monthrange(at.year, at.month)[1]


@pytest.mark.parametrize(
    ("day", "rule", "paid"),
    [
        ("2026-11-28", "same_day", "2026-11-28"),  # a Saturday
        ("2026-11-28", "following", "2026-11-30"),
        ("2026-11-28", "preceding", "2026-11-27"),
        ("2026-11-30", "following", "2026-11-30"),
        ("2026-11-30", "preceding", "2026-11-30"),
    ],
)
def test_a_weekend_moves_the_payment(day, rule, paid):
    assert pays_on(date.fromisoformat(day), rule) == date.fromisoformat(paid)


@pytest.mark.parametrize(
    ("name", "closed", "is_open"),
    [("GB-ENG", "2026-12-28", "2026-08-03"), ("GB-SCT", "2026-08-03", "2026-08-31"), ("ECB", "2026-05-01", "2026-12-28"),
     ("DE", "2026-10-03", "2026-10-05")],
)  # fmt: skip
def test_the_holidays_of_a_calendar_are_no_business_days(settings, name, closed, is_open):
    pytest.importorskip("holidays")
    settings.BANK_HOLIDAYS = name
    assert not business_days.is_business_day(date.fromisoformat(closed))
    assert business_days.is_business_day(date.fromisoformat(is_open))
    after = business_days.on_or_after(date.fromisoformat(closed))
    assert after > date.fromisoformat(closed)
    assert after.weekday() < 5


@pytest.mark.parametrize("name", ["XX", "GB-XYZ", "Atlantis", "-"])
def test_a_calendar_that_does_not_exist_is_named_at_the_start(settings, name):
    pytest.importorskip("holidays")
    settings.BANK_HOLIDAYS = name
    assert [one.id for one in checks.check_business_days()] == ["banking.E004"]
    settings.BANK_HOLIDAYS = ""
    assert checks.check_business_days() == []


def test_no_calendar_is_closed_for_longer_than_is_looked_ahead():
    holidays = pytest.importorskip("holidays")
    from banking.models.schedule import MOST_DAYS_CLOSED

    for country in ("CN", "JP", "GB", "SA", "ID"):
        known = holidays.country_holidays(country)
        longest = run = 0
        for number in range(365 * 3):
            run = 0 if known.is_working_day(date(2024, 1, 1) + timedelta(days=number)) else run + 1
            longest = max(longest, run)
        assert timedelta(days=longest) < MOST_DAYS_CLOSED, country


def test_a_rhythm_is_said_in_words():
    assert in_words("weekly", 1) == "Every week"
    assert in_words("weekly", 2) == "Every 2 weeks"
    assert in_words("daily", 3) == "Every 3 days"
    assert in_words("monthly", 12) == "Every 12 months"
    assert in_words("month_end", 3) == "Every 3 months, on the last day of the month"
