"""One time zone decides when a bank day and a month begin, whatever the time zone of the server is."""

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.utils import timezone

from banking.accounts.months import Month, last_closed
from banking.accounts.opening import internal_account, open_account
from banking.accounts.statements import statement_of
from banking.api.query import Moment
from banking.consents.history import history_of_account
from banking.ledger import post
from banking.notation import bank_day
from banking.notation.timestamps import timestamp
from banking.web.history import Search, by_day

HALF_PAST_ELEVEN_IN_UTC = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def tokyo(settings):
    settings.BANK_TIME_ZONE = "Asia/Tokyo"


def test_today_is_the_day_of_the_bank_and_not_of_the_server():
    with time_machine.travel(HALF_PAST_ELEVEN_IN_UTC, tick=False):
        assert timezone.localdate() == date(2026, 10, 31)
        assert bank_day.today() == date(2026, 11, 1)


def test_a_day_begins_and_ends_at_midnight_of_the_bank():
    assert bank_day.begins_at(date(2026, 11, 1)) == datetime(2026, 10, 31, 15, tzinfo=UTC)
    assert bank_day.ends_at(date(2026, 11, 1)) == datetime(2026, 11, 1, 15, tzinfo=UTC)


def test_a_day_has_23_or_25_hours_when_the_clocks_change(settings):
    settings.BANK_TIME_ZONE = "Europe/London"
    hours = [
        (bank_day.ends_at(day) - bank_day.begins_at(day)).total_seconds() / 3600
        for day in (date(2026, 3, 29), date(2026, 10, 25), date(2026, 10, 26))
    ]
    assert hours == [23, 25, 24]


@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_first_and_the_last_day_of_the_calendar_have_an_end(day):
    assert bank_day.begins_at(day) < bank_day.ends_at(day)


def test_a_month_closes_by_the_clock_of_the_bank():
    october = Month(2026, 10)
    assert timestamp(october.ends_at) == "2026-10-31T15:00:00Z"
    assert Month.of(HALF_PAST_ELEVEN_IN_UTC) == october.next
    with time_machine.travel(datetime(2026, 10, 31, 16, 1, tzinfo=UTC)):
        assert last_closed() == october


def test_days_in_filters_consents_and_searches_are_the_banks():
    begins = datetime(2026, 10, 31, 15, tzinfo=UTC)
    assert Moment("from", "").parse("2026-11-01") == begins
    assert history_of_account([{"history_from": "2026-11-01"}], "x") == begins
    search = Search({"since": "2026-11-01"})
    assert search.is_valid()
    assert search.span == (begins, None)
    assert by_day([{"booked_at": HALF_PAST_ELEVEN_IN_UTC}])[0][0] == date(2026, 11, 1)


@pytest.mark.django_db
def test_what_is_booked_late_in_the_evening_of_london_is_in_the_next_month_of_tokyo(alice):
    account, world = open_account(alice, name="x", currency="GBP"), internal_account("GBP", "Clearing")
    post([(account, 5), (world, -5)], description="x", kind="test", created_at=HALF_PAST_ELEVEN_IN_UTC)
    assert [statement_of(account.pk, month).closing_minor for month in (Month(2026, 10), Month(2026, 11))] == [0, 5]
