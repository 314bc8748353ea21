"""Statements of closed months: they add up, have two formats, and never change."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from banking.accounts.months import Month, closed_months, last_closed
from banking.accounts.opening import internal_account, open_account
from banking.ledger import post
from banking.models import Account

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SCOPE = "accounts:read statements:read"


@pytest.fixture(autouse=True)
def november():
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def account(alice):
    """An account with three entries a month since August, the last a second before midnight, and one entry in
    November.
    """
    account = open_account(alice, name="Everyday", currency="GBP")
    Account.objects.filter(pk=account.pk).update(opened_at=datetime(2026, 8, 3, tzinfo=UTC))
    world = internal_account("GBP", "Clearing")
    for month in (8, 9, 10):
        for at, amount, text in (
            (datetime(2026, month, 5, tzinfo=UTC), 5000, "Salary"),
            (datetime(2026, month, 7, tzinfo=UTC), -1200, "=HYPERLINK(1)"),
            (datetime(2026, month + 1, 1, tzinfo=UTC) - timedelta(seconds=1), -1, '"quoted", with comma'),
        ):
            post([(account, amount), (world, -amount)], description=text, kind="test", created_at=at)
    post([(account, 7), (world, -7)], description="Now", kind="test", created_at=datetime(2026, 11, 1, tzinfo=UTC))
    return account


@pytest.fixture
def read(access_token, api, alice, account):
    def get(path, *, minutes_ago=60, scope=SCOPE, **headers):
        auth_time = NOW - timedelta(minutes=minutes_ago)
        client = api(access_token(alice, scope, auth_time=auth_time))
        return client.get(f"/api/v1/accounts/{account.pk}/statements{path}", headers=headers)

    return get


def body(answer):
    return answer.getvalue().decode()


def test_closed_months_are_listed_newest_first(read):
    answer = read("").json()
    assert [row["id"] for row in answer["data"]] == ["2026-10", "2026-09", "2026-08"]
    assert answer["data"][0]["to"] == "2026-11-01T00:00:00Z"
    first = read("?limit=2").json()
    assert [row["id"] for row in read(f"?limit=2&cursor={first['next_cursor']}").json()["data"]] == ["2026-08"]


def test_opening_and_entries_make_the_closing_balance(read, django_assert_num_queries):
    read("/2026-10")  # reads the signing keys into the cache
    statement = json.loads(body(read("/2026-10")))
    amounts = [
        row["amount"]["minor_units"] * (1 if row["direction"] == "in" else -1) for row in statement["transactions"]
    ]
    assert amounts == [5000, -1200, -1]
    opening, closing = statement["opening_balance"]["minor_units"], statement["closing_balance"]["minor_units"]
    assert (opening, opening + sum(amounts)) == (7598, closing)
    before = json.loads(body(read("/2026-09", minutes_ago=1)))
    assert before["closing_balance"] == statement["opening_balance"]


def test_as_csv_a_text_is_never_a_formula(read):
    answer = read("/2026-10", Accept="text/csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="statement-2026-10.csv"'
    opening, *rows, closing = csv.DictReader(io.StringIO(body(answer)))
    assert [(row["description"], row["balance_after"], row["amount"]) for row in (opening, closing)] == [
        ("Opening balance", "75.98", ""), ("Closing balance", "113.97", ""),
    ]  # fmt: skip
    assert [row["description"] for row in rows] == ["Salary", "'=HYPERLINK(1)", '"quoted", with comma']
    assert [(row["direction"], row["amount"]) for row in rows][:2] == [("in", "50.00"), ("out", "12.00")]


def test_it_is_the_same_for_ever_and_not_sent_twice(read, account):
    first = read("/2026-10")
    assert not first["ETag"].startswith("W/")
    post([(account, -5), (internal_account("GBP", "Clearing"), 5)], description="Later", kind="test")
    again = read("/2026-10", **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert body(read("/2026-10")) == body(first)
    assert read("/2026-10", Accept="text/csv")["ETag"] != first["ETag"]


@pytest.mark.parametrize("month", ["2026-11", "2026-07", "2026-13", "2026-1", "9999-12", "0000-01", "x", "2026-10-01"])
def test_there_is_no_statement_of_another_month(read, month):
    assert read(f"/{month}").status_code == 404


def test_a_month_is_closed_an_hour_after_its_end(read):
    with time_machine.travel(datetime(2026, 12, 1, 0, 30, tzinfo=UTC)):
        assert str(last_closed()) == "2026-10"
        assert read("/2026-11").status_code == 404


def test_old_ones_need_a_user_who_has_just_logged_in(read):
    """RFC 9470."""
    answer = read("/2026-08")
    assert (answer.status_code, answer.json()["code"]) == (401, "insufficient_user_authentication")
    assert read("/2026-08", minutes_ago=1).status_code == 200


def test_another_form_is_406(read):
    answer = read("/2026-10", Accept="application/pdf")
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")


def test_an_account_that_nothing_happened_in(read, alice, access_token, api):
    quiet = open_account(alice, name="Quiet", currency="JPY")
    Account.objects.filter(pk=quiet.pk).update(opened_at=datetime(2026, 9, 1, tzinfo=UTC))
    answer = api(access_token(alice, SCOPE)).get(f"/api/v1/accounts/{quiet.pk}/statements/2026-10")
    assert json.loads(body(answer))["closing_balance"] == {"currency": "JPY", "minor_units": 0}


def test_months_go_back_over_the_year():
    opened = datetime(2025, 11, 30, tzinfo=UTC)
    assert [str(month) for month in closed_months(opened)][-2:] == ["2025-12", "2025-11"]
    assert str(Month(2025, 12).next) == "2026-01"
    assert str(Month(2026, 1).before) == "2025-12"
