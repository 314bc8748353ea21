"""The bank reads pages that may be a second old from a replica (docs/operating.md), and no data for decisions."""

import re
from contextlib import contextmanager

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from banking import ledger
from banking.accounts.opening import internal_account
from banking.api import transaction_window
from banking.payments import settlement
from config.database.replica import ALIAS
from tests.lib.ledger import funded
from tests.lib.replica import reading_from_a_replica
from tests.lib.transfers import ELSEWHERE, KEY, body_of, send

pytestmark = pytest.mark.django_db(transaction=True)
#: Tables that decide who may see or do something.
DECIDES = re.compile(r'"?\b(account_access|consent|consent_account|accounts_user|oauth_\w+)\b"?')


@pytest.fixture
def paid(alice, alice_api):
    source, destination = funded(alice, "Current"), funded(alice, "Savings")
    assert send(alice_api, body_of(source, destination), KEY).status_code == 201
    return source


def asked(get, *urls):
    """Returns the statements that the replica gets for these pages."""
    with reading_from_a_replica(), CaptureQueriesContext(connections[ALIAS]) as queries:
        for url in urls:
            answer = get(url)
            assert answer.status_code == 200, (url, answer.content)
            b"".join(answer) if answer.streaming else answer.content
        return [query["sql"] for query in queries]


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("accounts/{account}/transactions", 1),
        ("accounts/{account}/transactions?direction=out", 1),
        ("accounts/{account}/transactions?after_seq=0", 1),
        ("transactions", 2),
        ("transfers", 1),
        ("transfers?text=rent", 1),
        ("accounts", 0),
        ("accounts/{account}", 0),
        ("accounts/{account}/balances", 0),
    ],
)
def test_pages_of_the_api(path, number, paid, alice_api):
    statements = asked(alice_api.get, f"/api/v1/{path.format(account=paid.pk)}")
    assert len(statements) == number
    assert [one for one in statements if DECIDES.search(one)] == []


def test_the_page_is_the_same_from_either(paid, alice_api):
    urls = (f"/api/v1/accounts/{paid.pk}/transactions", "/api/v1/transactions", "/api/v1/transfers")
    from_primary = [alice_api.get(url).json()["data"] for url in urls]
    with reading_from_a_replica():
        assert [alice_api.get(url).json()["data"] for url in urls] == from_primary
    assert all(from_primary)


@contextmanager
def of_before():
    """Makes the replica show the present state, without later writes."""
    with reading_from_a_replica():
        connections[ALIAS].cursor().execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        connections[ALIAS].cursor().execute("SELECT count(*) FROM ledger_entry")
        yield
        connections[ALIAS].cursor().execute("ROLLBACK")


def test_a_reader_with_filters_passes_nothing_that_the_replica_lacks(paid, alice_api, monkeypatch):
    """A page examines MOST_EXAMINED numbers, and the next one continues behind them."""
    monkeypatch.setattr(transaction_window, "MOST_EXAMINED", 3)
    issuer = internal_account("GBP", "Issuer")
    url, cursor, seen = f"/api/v1/accounts/{paid.pk}/transactions", "", []
    with of_before():
        for _ in range(6):
            ledger.post([(paid, 1), (issuer, -1)], description="x", kind="deposit")
        while cursor is not None:
            query = {"after_seq": 0, "min_amount": 1, **({"cursor": cursor} if cursor else {})}
            page = alice_api.get(url, query).json()
            seen += [row["account_seq"] for row in page["data"]]
            cursor = page["next_cursor"]
    assert seen == list(range(1, seen[-1] + 1))
    assert seen[-1] >= 6  # eight rows, of which the replica may lack the last


def test_a_payment_that_is_booked_meanwhile_is_on_the_page(paid, alice, alice_api, client):
    made = send(alice_api, body_of(paid, ELSEWHERE), f"{KEY}-2").json()
    client.force_login(alice)
    with of_before():
        settlement.settle(made["id"])
        page = alice_api.get(f"/api/v1/accounts/{paid.pk}/transactions", {"status": "pending,booked"}).json()["data"]
        assert [row["counterparty"]["name"] for row in page].count("Dora Demir") == 1
        assert client.get(f"/bank/accounts/{paid.pk}").content.decode().count("Dora Demir") == 1


def test_pages_of_the_web_bank(paid, alice, client):
    client.force_login(alice)
    statements = asked(client.get, f"/bank/accounts/{paid.pk}", f"/bank/accounts/{paid.pk}/apps")
    assert len(statements) == 5  # pending transactions, the rows, the balance chart (two statements), and the apps
    assert [one for one in statements if DECIDES.search(one)] == []


def test_a_user_who_paid_by_the_api_reads_it_from_the_primary(paid, alice_api):
    with reading_from_a_replica(), CaptureQueriesContext(connections[ALIAS]) as queries:
        body = body_of(paid, {"scheme": "iban", "identifier": "GB33BUKB20201555555555", "name": "Bob"})
        assert send(alice_api, body, f"{KEY}-2").status_code == 201
        assert len(alice_api.get("/api/v1/transfers").json()["data"]) == 2
    assert queries.captured_queries == []


def test_lists_of_the_admin_read_the_replica_and_pages_of_one_row_do_not(paid, admin_browser):
    for name in ("banking/ledgertransaction", "banking/transfer", "banking/account", "oauth/auditevent"):
        assert asked(admin_browser.get, f"/admin/{name}/"), name
    assert asked(admin_browser.get, f"/admin/banking/account/{paid.pk}/change/") == []
