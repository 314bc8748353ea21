"""GET /transactions returns every transaction once, in whatever order transactions commit."""

from datetime import timedelta

import pytest
from django.core import signing
from django.db import transaction
from django.utils import timezone

from banking.accounts import feed
from banking.accounts.opening import internal_account, open_account
from banking.api import transaction_feed
from banking.ledger import post
from banking.models import AccountAccess, Consent, LedgerEntry, Role
from tests.lib.beside import Beside
from tests.lib.ledger import funded, move, no_triggers

pytestmark = pytest.mark.django_db


class Reader:
    """An app that keeps its cursor."""

    def __init__(self, app, query=""):
        self.app, self.query, self.cursor, self.seen = app, query, None, []

    def read(self):
        """The texts of the new transactions."""
        texts, has_more = [], True
        while has_more:
            cursor = f"&cursor={self.cursor}" if self.cursor else ""
            answer = self.app.get(f"/api/v1/transactions?{self.query}{cursor}")
            assert answer.status_code == 200, answer.content
            body = answer.json()
            self.cursor, has_more = body["next_cursor"], body["has_more"]
            self.seen += [row["id"] + row["account_id"] for row in body["data"]]
            texts += [row["description"] for row in body["data"]]
        assert len(set(self.seen)) == len(self.seen)
        return texts


@pytest.fixture
def app(access_token, api, alice):
    return api(access_token(alice, "transactions:read transfers:read", auth_time=timezone.now()))


def deposit(account, text, days_ago=0):
    at = timezone.now() - timedelta(days=days_ago)
    other = internal_account("GBP", "Clearing")
    return post([(other, -1), (account, 1)], description=text, kind="deposit", created_at=at)


@pytest.mark.django_db(transaction=True)
def test_what_commits_late_comes_after_a_cursor_that_was_given_out_before(app, alice):
    """The earlier insert commits last. Its time and ids are smaller than those that the reader has already passed."""
    late, other = funded(alice, "Late", amount_minor=0), funded(alice, "Other", amount_minor=0)
    clearing = [open_internal(name) for name in ("First", "Second")]
    reader = Reader(app)

    def book(account, against, text):
        return post([(against, -1), (account, 1)], description=text, kind="deposit")

    with transaction.atomic():
        under_way = book(late, clearing[0], "Under way")
        beside = Beside(lambda: (book(other, clearing[1], "Committed"), reader.read()))
        beside.start()
        beside.join()
        [(committed, seen)] = beside.results
    assert seen == ["Committed"]
    assert under_way.pk < committed.pk
    entries = LedgerEntry.objects.filter(account__in=[late, other]).order_by("pk")
    assert [entry.account_id for entry in entries] == [late.pk, other.pk]
    assert entries[0].booked_at < entries[1].booked_at
    assert reader.read() == ["Under way"]
    assert reader.read() == []


def open_internal(name):
    return internal_account("GBP", name)


@pytest.mark.django_db(transaction=True)
def test_entries_of_one_account_commit_in_the_order_of_their_numbers(app, alice):
    """The second one waits for the first one's lock, so no reader sees it alone."""
    account = funded(alice, "One", amount_minor=0)
    clearing = [open_internal(name) for name in ("First", "Second")]
    reader = Reader(app)
    with transaction.atomic():
        post([(clearing[0], -1), (account, 1)], description="First", kind="deposit")
        second = Beside(lambda: post([(clearing[1], -1), (account, 1)], description="Second", kind="deposit"))
        second.start_and_wait()
        assert second.is_alive()
        beside = Beside(reader.read)
        beside.start()
        beside.join()
        assert beside.results == [[]]
    second.join()
    assert reader.read() == ["First", "Second"]


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_it_has_every_transaction_of_every_account_once(app, alice, limit):
    accounts = [funded(alice, f"Account {number}", amount_minor=0) for number in range(3)]
    reader = Reader(app, f"limit={limit}")
    written = []
    for number in range(7):
        written.append(f"Number {number}")
        deposit(accounts[number % 3], written[-1])
        if number == 3:
            assert reader.read() == written
    assert reader.read() == written[4:]
    move(accounts[0], accounts[1], 1)
    assert reader.read() == ["Test", "Test"]  # both sides
    assert reader.read() == []


def test_an_account_keeps_its_order_even_where_its_times_do_not_rise(app, alice):
    """Entries from before the database set the time may be out of order."""
    first, second = funded(alice, "First", amount_minor=0), funded(alice, "Second", amount_minor=0)
    for number, account in enumerate((first, second, first, second)):
        deposit(account, f"Number {number}")
    with no_triggers():
        LedgerEntry.objects.filter(account=first, account_seq=1).update(booked_at=timezone.now() + timedelta(minutes=5))
        reader = Reader(app, "limit=1")
        assert reader.read() == ["Number 1", "Number 3", "Number 0", "Number 2"]


def test_many_accounts_are_read_in_part_and_lose_nothing(app, alice, monkeypatch):
    monkeypatch.setattr(feed, "MOST_READ", 4)
    accounts = [funded(alice, f"Account {number}", amount_minor=0) for number in range(3)]
    texts = [f"Number {number}" for number in range(12)]
    for number, text in enumerate(texts):
        deposit(accounts[0 if number < 8 else number % 3], text)
    assert sorted(Reader(app, "limit=5").read()) == sorted(texts)


def test_it_is_filtered_and_goes_on(app, alice, monkeypatch):
    monkeypatch.setattr(transaction_feed, "MOST_EXAMINED", 3)
    account = funded(alice, "Account", amount_minor=0)
    for number in range(10):
        deposit(account, "Baker" if number % 4 == 0 else "Other")
    assert Reader(app, "text=baker&limit=1").read() == ["Baker"] * 3
    assert Reader(app, "direction=out").read() == []
    answer = app.get("/api/v1/transactions?min_amount=x")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/min_amount")
    assert app.get("/api/v1/transactions?after_seq=1").json()["code"] == "unknown_parameter"


def test_it_begins_with_a_time(app, alice):
    account = funded(alice, "Account", amount_minor=0)
    for days in (9, 6, 3):
        deposit(account, f"{days} days ago", days_ago=days)
    reader = Reader(app, f"from={(timezone.now() - timedelta(days=7)).date()}")
    assert reader.read() == ["6 days ago", "3 days ago"]
    other = funded(alice, "Added", amount_minor=0)
    deposit(other, "Old", days_ago=9)
    deposit(other, "New")
    assert reader.read() == ["New"]


def test_what_is_old_needs_a_fresh_login(access_token, api, alice, app):
    """RFC 9470, SCA-RTS art. 10."""
    account = funded(alice, "Account", amount_minor=0)
    for days in (100, 3):
        deposit(account, f"{days} days ago", days_ago=days)
    stale = api(access_token(alice, "transactions:read", auth_time=timezone.now() - timedelta(hours=1)))
    refused = stale.get("/api/v1/transactions")
    assert (refused.status_code, refused.json()["code"]) == (401, "insufficient_user_authentication")
    assert stale.get("/api/v1/transactions?text=nothing").status_code == 401
    assert Reader(stale, f"from={(timezone.now() - timedelta(days=80)).date()}").read() == ["3 days ago"]
    assert Reader(app).read() == ["100 days ago", "3 days ago"]


def test_it_has_the_picked_accounts_as_far_back_as_the_user_allowed(access_token, api, alice, bob):
    """RFC 9396."""
    picked, other = funded(alice, "Picked", amount_minor=0), funded(alice, "Other")
    for days in (9, 3):
        deposit(picked, f"{days} days ago", days_ago=days)
    since = (timezone.now() - timedelta(days=5)).date()
    detail = {"type": "account_information", "accounts": [str(picked.pk)], "actions": ["transactions"]}

    def reader(user, **members):
        return Reader(api(access_token(user, "transactions:read", authorization_details=({**detail, **members},))))

    assert reader(alice).read() == ["9 days ago", "3 days ago"]
    assert reader(alice, history_from=str(since)).read() == ["3 days ago"]
    assert reader(alice, actions=["balances"]).read() == []
    assert reader(bob).read() == []
    AccountAccess.objects.create(account=picked, user=bob, role=Role.READER)
    assert len(reader(bob).read()) == 2
    consent = Consent.objects.create(user=alice, client_id="matrix", type="account_information", detail={})
    consent.accounts.set([picked])
    by_consent = {
        "type": "account_information",
        "actions": ["transactions"],
        "identifier": str(consent.pk),
        "accounts_by": "consent",
    }
    follower = Reader(api(access_token(alice, "transactions:read", authorization_details=(by_consent,))))
    assert len(follower.read()) == 2
    consent.accounts.set([other])
    deposit(picked, "Taken back")
    assert follower.read() == ["Opening"]


def test_an_account_that_is_taken_back_is_not_read_any_more(app, alice, bob):
    shared = funded(bob, "Shared", amount_minor=0)
    access = AccountAccess.objects.create(account=shared, user=alice, role=Role.READER)
    deposit(shared, "Before")
    reader = Reader(app)
    assert reader.read() == ["Before"]
    access.delete()
    deposit(shared, "After")
    assert reader.read() == []


def test_a_cursor_is_of_one_user_and_its_filters(app, access_token, api, alice, bob):
    deposit(funded(alice, "Account", amount_minor=0), "Text")
    reader = Reader(app)
    reader.read()
    for other in (
        api(access_token(bob, "transactions:read")).get(f"/api/v1/transactions?cursor={reader.cursor}"),
        app.get(f"/api/v1/transactions?from=2026-01-01&cursor={reader.cursor}"),
        app.get(f"/api/v1/transactions?cursor={reader.cursor[:-1]}"),
        app.get(f"/api/v1/transfers?cursor={reader.cursor}"),
    ):
        assert (other.status_code, other.json()["code"]) == (400, "invalid_cursor")


def test_with_very_many_accounts_each_is_read_by_itself(app, alice, monkeypatch):
    monkeypatch.setattr(transaction_feed, "MOST_ACCOUNTS", 2)
    for number in range(3):
        open_account(alice, name=f"Account {number}", currency="GBP")
    answer = app.get("/api/v1/transactions")
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_accounts")


def test_the_cursor_of_the_most_accounts_fits(app, alice):
    """The cursor must fit into the parameter and into a URL that servers accept."""
    accounts = [open_account(alice, name=str(one), currency="GBP") for one in range(transaction_feed.MOST_ACCOUNTS)]
    reader = Reader(app)
    reader.read()
    assert reader.read() == []
    written = transaction_feed._written({account.pk: 10**12 for account in accounts})
    assert (
        len(signing.Signer(salt="cursor").sign_object(written, compress=True)) < transaction_feed.MAX_CURSOR_CHARACTERS
    )
