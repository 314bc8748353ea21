"""Filters by time read only the entries that they show, however many entries the account has."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from banking.accounts.spans import MOST_OUT_OF_ORDER, booked_in
from banking.models import LedgerEntry
from banking.notation import bank_day
from tests.lib.ledger import funded, no_triggers

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MANY = 300_000

# One every two minutes, the last one yesterday evening.
_ENTRIES = """
WITH posted AS (
  INSERT INTO ledger_transaction (id, currency, kind, description, created_at)
  SELECT gen_random_uuid(), 'GBP', 'deposit', 'Tap ' || n, now() FROM generate_series(1, %(many)s) n RETURNING id)
INSERT INTO ledger_entry (transaction_id, account_id, currency, amount_minor, account_seq, balance_after_minor,
                          counterparty_name, counterparty_iban, booked_at)
SELECT id, %(account)s, 'GBP', 1, n, n, '', '', %(last)s - (%(all)s - n) * interval '2 minutes'
  FROM (SELECT id, %(first)s + row_number() OVER () AS n FROM posted) numbered"""
_ONE = """
INSERT INTO ledger_entry (transaction_id, account_id, currency, amount_minor, account_seq, balance_after_minor,
                          counterparty_name, counterparty_iban, booked_at)
SELECT gen_random_uuid(), %s, 'GBP', 1, n, n, '', '', at FROM unnest(%s::timestamptz[]) WITH ORDINALITY AS given(at, n)"""


def run(statement, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


_moments = st.integers(0, 2 * int(MOST_OUT_OF_ORDER.total_seconds())).map(lambda s: NOW + timedelta(seconds=s))


@given(times=st.lists(_moments, max_size=12), since=st.none() | _moments, until=st.none() | _moments)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_entries_out_of_order_are_found_as_well(alice, times, since, until):
    """Entries of one account may be out of order by MOST_OUT_OF_ORDER."""
    account = funded(alice, "Short", amount_minor=0)
    in_order = [max(at, max(times[:n], default=at) - MOST_OUT_OF_ORDER) for n, at in enumerate(times)]
    with no_triggers():
        run(_ONE, [account.pk, in_order])
        entries = LedgerEntry.objects.filter(account=account)
        wanted = {
            n for n, at in enumerate(in_order, 1) if (since is None or since <= at) and (until is None or at < until)
        }
        found = booked_in(entries, account.pk, since=since, until=until)
        assert set(found.values_list("account_seq", flat=True)) == wanted
        entries.delete()


def test_the_first_and_the_last_year_are_no_error(alice, alice_api):
    account = funded(alice, "Short")
    for query, count in (("from=0001-01-01", 1), ("to=9999-12-31", 1), ("from=9999-12-31", 0), ("to=0001-01-01", 0)):
        answer = alice_api.get(f"/api/v1/accounts/{account.pk}/transactions?{query}")
        assert (answer.status_code, len(answer.json()["data"])) == (200, count)


def buffers_of(ask):
    """Returns how many blocks PostgreSQL reads for the entries of a request, and how many rows it reads and
    discards.
    """
    asked = []

    def note(execute, sql, parameters, many, context):
        if 'FROM "ledger_entry"' in sql and "EXPLAIN" not in sql:
            asked.append((sql, parameters))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(note):
        answer = ask()
    assert answer.status_code == 200, answer.content
    [(statement, parameters), *_] = asked
    [[plan]] = run(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement}", parameters)
    [explained] = json.loads(plan) if isinstance(plan, str) else plan

    def removed(node):
        here = node.get("Rows Removed by Filter", 0)
        return here + sum(removed(child) for child in node.get("Plans", []))

    top = explained["Plan"]
    return answer, top["Shared Hit Blocks"] + top["Shared Read Blocks"], removed(top)


@pytest.mark.large
def test_a_span_of_three_hundred_thousand_entries_is_found_by_its_numbers(alice, api, access_token, browser):
    account = funded(alice, "Busy", amount_minor=0)
    last = timezone.now() - timedelta(hours=26)
    with no_triggers():
        run("SET LOCAL statement_timeout = 0")
        for first, many in ((0, MANY // 2), (MANY // 2, MANY // 2)):
            run(_ENTRIES, {"account": account.pk, "first": first, "many": many, "all": MANY, "last": last})
            if not first:
                run("ANALYZE ledger_entry, ledger_transaction")
        run("UPDATE bank_account SET last_seq = %s WHERE id = %s", [MANY, account.pk])
    url = f"/api/v1/accounts/{account.pk}/transactions"
    today, year_ago = bank_day.today(), last - timedelta(days=365)
    spans = [
        ({"from": today}, 0),
        ({"from": last - timedelta(hours=1)}, 31),
        ({"from": year_ago}, 50),
        ({"to": year_ago}, 50),
        ({"to": last - timedelta(days=3650)}, 0),
        ({"from": year_ago, "to": year_ago + timedelta(days=1)}, 50),
        ({"from": year_ago, "to": year_ago + timedelta(hours=1)}, 30),
        ({"from": today + timedelta(days=365)}, 0),
    ]
    scope, now = "transactions:read", timezone.now()
    all_of_it = api(access_token(alice, scope, auth_time=now))
    detail = {"type": "account_information", "accounts": [str(account.pk)], "actions": ["transactions"]}
    of_today = api(
        access_token(alice, scope, auth_time=now, authorization_details=({**detail, "history_from": str(today)},))
    )
    for statistics in ("old", "fresh"):
        if statistics == "fresh":
            run("ANALYZE ledger_entry, ledger_transaction")
        for span, count in spans:
            query = {name: at.isoformat() for name, at in span.items()}
            answer, blocks, removed = buffers_of(lambda query=query: all_of_it.get(url, query))
            assert len(answer.json()["data"]) == count, query
            # A row of the page costs up to twenty blocks: its transaction, the transfer, its reversal, and its
            # merchant.
            assert (blocks < (1_000 if count else 200), removed < 20) == (True, True), (query, blocks, removed)
        answer, blocks, _ = buffers_of(lambda: of_today.get(url))
        assert (answer.json()["data"], blocks < 200) == ([], True), (statistics, blocks)
        _, blocks, _ = buffers_of(lambda: browser.get(f"/bank/accounts/{account.pk}?since={today}"))
        assert blocks < 200, (statistics, blocks)
