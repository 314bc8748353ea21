"""The access journal counts what each app reads, from which account and how often, without a row for each request."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client as Browser
from django.utils import timezone

from banking import journal
from banking.accounts import personal_data
from banking.database import cleanup
from banking.journal import counting
from banking.models import AccessCount
from oauth.models import AuditEvent
from tests.lib.ledger import funded
from tests.lib.staff import browser_of, looker, staff
from tests.lib.transfers import body_of, send

pytestmark = pytest.mark.django_db
SCOPE = "accounts:read balances:read transactions:read statements:read transfers:read transfers:write payees:read"
HOUR = timedelta(hours=1)


@pytest.fixture
def app(access_token, api, alice):
    return api(access_token(alice, SCOPE))


def rows():
    counting.store()
    return {(one.kind, one.account_id): one.count for one in AccessCount.objects.all()}


def test_reads_are_counted_per_account_and_kind_and_written_later(app, alice, current, savings):
    for _ in range(3):
        assert app.get(f"/api/v1/accounts/{current.pk}/balances").status_code == 200
    app.get(f"/api/v1/accounts/{savings.pk}/transactions")
    assert not AccessCount.objects.exists()  # a request writes nothing
    assert rows() == {("balances:read", current.pk): 3, ("transactions:read", savings.pk): 1}
    app.get(f"/api/v1/accounts/{current.pk}/balances")
    assert rows()["balances:read", current.pk] == 4
    stored = AccessCount.objects.get(kind="balances:read")
    assert stored.user == alice
    assert stored.address == "127.0.0.1"
    assert stored.hour <= stored.first_at < stored.last_at < stored.hour + HOUR


def test_a_request_runs_no_statement_for_it(app, current, django_assert_num_queries):
    app.get(f"/api/v1/accounts/{current.pk}/balances")
    with django_assert_num_queries(1):
        app.get(f"/api/v1/accounts/{current.pk}/balances")


def test_a_list_counts_each_account_in_it_once(app, current, savings):
    app.get("/api/v1/accounts")
    app.get("/api/v1/transactions")
    app.get("/api/v1/payees")
    found = rows()
    assert found["accounts:read", current.pk] == found["accounts:read", savings.pk] == 1
    assert found["payees:read", None] == 1
    assert found["transactions:read", current.pk] == 1


def test_an_answer_that_was_not_changed_is_a_read_too(app, current):
    first = app.get(f"/api/v1/accounts/{current.pk}")
    assert app.get(f"/api/v1/accounts/{current.pk}", headers={"If-None-Match": first["ETag"]}).status_code == 304
    assert rows() == {("accounts:read", current.pk): 2}


def test_refusals_and_clients_that_act_for_themselves_are_not_counted(app, of_bob, access_token, api, current):
    assert app.get(f"/api/v1/accounts/{of_bob.pk}").status_code == 404
    assert app.get("/api/v1/accounts", {"nonsense": "1"}).status_code == 400
    assert app.get("/api/v1/consent").status_code == 200  # this endpoint only describes the token
    assert Browser().get("/api/v1/accounts").status_code == 401
    assert rows() == {}


def test_a_payment_is_a_line_of_its_own(app, alice, current, savings):
    made = send(app, body_of(current, savings, 1250))
    assert made.status_code == 201
    counting.store()
    client_id = AccessCount.objects.values_list("client_id", flat=True)[0]
    lines = journal.of_app(alice, client_id)
    assert "£12.50 from Current account to" in lines[-1].text or "£12.50 from Current account to" in lines[0].text
    assert any(line.url.startswith("/bank/transfers/") for line in lines)


def test_the_journal_says_how_often_and_when_last(app, alice, current):
    for _ in range(14):
        app.get(f"/api/v1/accounts/{current.pk}/balances")
    counting.store()
    client_id = AccessCount.objects.get().client_id
    [line] = journal.of_app(alice, client_id)
    assert line.text.startswith("Current account: balances – 14 times today, last at ")
    assert line.url == f"/bank/accounts/{current.pk}"
    assert list(journal.of_account(alice, current.pk)) == [client_id]
    AccessCount.objects.update(hour=timezone.now() - timedelta(days=3), last_at=timezone.now() - timedelta(days=3))
    [line] = journal.of_app(alice, client_id)
    assert "14 times in 90 days, last on " in line.text


def test_two_processes_add_to_the_same_row_and_the_newest_address_stays(alice, current):
    now = timezone.now().replace(minute=30, second=0, microsecond=0).timestamp()
    counting.count(alice.pk, "atlas", [current.pk], "balances:read", at=now, address="192.0.2.7")
    counting.store()
    counting.count(alice.pk, "atlas", [current.pk], "balances:read", at=now - 60, address="192.0.2.1")
    counting.store()
    stored = AccessCount.objects.get()
    assert (stored.count, stored.address) == (2, "192.0.2.7")
    assert (stored.last_at - stored.first_at).total_seconds() == 60


def test_what_cannot_be_stored_is_kept_and_added_later(alice, current, monkeypatch):
    now = timezone.now().replace(minute=30).timestamp()
    counting.count(alice.pk, "atlas", [current.pk], "balances:read", at=now, address="192.0.2.7")

    def away(*_):
        raise OperationalError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", away)
        with pytest.raises(OperationalError):
            counting.store()
    counting.count(alice.pk, "atlas", [current.pk], "balances:read", at=now + 1, address="192.0.2.8")
    counting.store()
    assert AccessCount.objects.get().count == 2


def test_memory_is_bounded(alice, current, monkeypatch, caplog):
    monkeypatch.setattr(counting, "MOST_KEPT", 2)
    for number in range(5):
        counting.count(alice.pk, f"app {number}", [current.pk], "balances:read", at=1.0, address="")
    assert counting.store() == 2
    assert "dropped 3 entries" in caplog.text


def test_a_user_who_was_deleted_in_the_meantime_stops_nobody(alice, bob, current):
    for user in (alice, bob):
        counting.count(user.pk, "atlas", [None], "payees:read", at=timezone.now().timestamp(), address="")
    pk = bob.pk
    bob.delete()
    counting.store()
    assert set(AccessCount.objects.values_list("user_id", flat=True)) == {alice.pk}
    assert pk not in set(AccessCount.objects.values_list("user_id", flat=True))


def test_it_is_in_the_personal_data_and_goes_after_its_time(app, alice, current):
    app.get(f"/api/v1/accounts/{current.pk}/balances")
    counting.store()
    [row] = list(dict(personal_data.export(alice))["access of apps"])
    assert (row["kind"], row["count"], row["account_id"]) == ("balances:read", 1, current.pk)
    cleanup.delete_expired()
    assert AccessCount.objects.count() == 1
    AccessCount.objects.update(hour=timezone.now() - cleanup.ACCESS_KEPT - HOUR)
    cleanup.delete_expired()
    assert not AccessCount.objects.exists()


def test_staff_export_the_journal_of_one_user_and_the_export_is_recorded(app, alice, current):
    app.get(f"/api/v1/accounts/{current.pk}/balances")
    counting.store()
    browser = browser_of(looker())
    page = browser.get("/admin/banking/accesscount/", {"q": alice.email})
    assert b"Export as CSV" in page.content
    answer = browser.post(f"/admin/banking/accesscount/export/?q={alice.email}")
    table = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [(row["user__email"], row["kind"], row["count"]) for row in table] == [(alice.email, "balances:read", "1")]
    assert AuditEvent.objects.get(endpoint="bank.access_journal_exported").user == str(alice.pk)
    assert browser.post("/admin/banking/accesscount/export/").status_code == 400
    assert browser.get("/admin/banking/accesscount/export/").status_code == 405
    assert browser_of(staff("Support")).post(f"/admin/banking/accesscount/export/?q={alice.email}").status_code == 403


def test_a_customer_sees_the_apps_that_read_an_account(app, browser, alice, current):
    app.get(f"/api/v1/accounts/{current.pk}/balances")
    counting.store()
    funded(alice, "Untouched")
    text = browser.get(f"/bank/accounts/{current.pk}/apps").content.decode()
    assert "balances – 1 time today" in text
    assert browser.get("/bank/accounts/00000000-0000-0000-0000-000000000000/apps").status_code == 404
