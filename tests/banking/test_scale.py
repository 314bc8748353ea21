"""The number of queries of a request, and of rows that it reads, does not grow with the tables."""

import json
import re

import pytest
from django.core import signing
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from banking.models import Account
from banking.payments.day_sum import day_sum
from tests.lib.ledger import funded, no_triggers
from tests.lib.transfers import KEY, body_of, send

pytestmark = pytest.mark.django_db(transaction=True)
MANY_ACCOUNTS, MANY_ENTRIES = 10_000, 40_000
AT_TIMES = re.compile("^BEGIN$|^COMMIT$|shared_cache|oauth_revokedstatus")
#: (what, statements at most, BEGIN and COMMIT not counted)
BUDGETS = {"accounts": 1, "account": 1, "balances": 1, "transactions": 2, "transfer": 14}

_MORE_ACCOUNTS = """
INSERT INTO bank_account (id, holder_id, kind, type, name, currency, iban, status, overdraft_minor, posted_minor,
                          held_minor, last_seq, opened_at)
SELECT gen_random_uuid(), %s, 'customer', 'savings', 'Jar ' || n, 'GBP', NULL, 'open', 0, 0, 0, 0, now()
  FROM generate_series(1, %s) n"""
_MORE_ENTRIES = """
WITH posted AS (
  INSERT INTO ledger_transaction (id, currency, kind, description, created_at)
  SELECT gen_random_uuid(), 'GBP', 'deposit', 'Tap ' || n, now() FROM generate_series(1, %(many)s) n RETURNING id)
INSERT INTO ledger_entry (transaction_id, account_id, currency, amount_minor, account_seq, balance_after_minor,
                          counterparty_name, counterparty_iban, booked_at)
SELECT id, %(account)s, 'GBP', 1, 1 + row_number() OVER (), 1, '', '', now() FROM posted"""


def run(statement, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def statements_of(api, source, destination, key):
    """Returns how many statements each kind of request takes, without those that run only from time to time (rate
    limits, status lists).
    """
    asks = {
        "accounts": lambda: api.get("/api/v1/accounts?limit=200"),
        "account": lambda: api.get(f"/api/v1/accounts/{source.pk}"),
        "balances": lambda: api.get(f"/api/v1/accounts/{source.pk}/balances"),
        "transactions": lambda: api.get(f"/api/v1/accounts/{source.pk}/transactions"),
        "transfer": lambda: send(api, body_of(source, destination, 1), key),
    }
    api.get("/api/v1/accounts")
    counts = {}
    for what, ask in asks.items():
        with CaptureQueriesContext(connection) as queries:
            assert ask().status_code in (200, 201)
        counts[what] = sum(not AT_TIMES.search(query["sql"]) for query in queries)
    return counts


def test_as_few_statements_for_ten_thousand_accounts_as_for_three(alice, alice_api, settings):
    settings.OAUTH = {**settings.OAUTH, "THROTTLE_SCALE": 1000}
    source, destination, _ = (funded(alice, name) for name in ("Current", "Savings", "Holiday"))
    for_three = statements_of(alice_api, source, destination, f"{KEY}-1")
    assert {what: count for what, count in for_three.items() if count > BUDGETS[what]} == {}
    run(_MORE_ACCOUNTS, [alice.pk, MANY_ACCOUNTS - 3])
    # Autovacuum does this for committed rows. Without statistics, the count can reach the statement timeout.
    run("ANALYZE bank_account, account_access")
    assert Account.objects.of_user(alice.pk).count() == MANY_ACCOUNTS
    assert statements_of(alice_api, source, destination, f"{KEY}-2") == for_three


def plan_of(api, url):
    """Returns the nodes of PostgreSQL's plan for the page, and the number of blocks that it reads."""
    asked = []

    def note(execute, sql, parameters, many, context):
        asked.append((sql, parameters))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(note):
        answer = api.get(url)
    assert answer.status_code == 200, answer.content
    statement, parameters = asked[-1]
    [[plan]] = run(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement}", parameters)
    [explained] = json.loads(plan) if isinstance(plan, str) else plan

    def nodes(node):
        yield f"{node['Node Type']} {node.get('Relation Name', '')}".strip()
        for child in node.get("Plans", []):
            if child["Parent Relationship"] != "SubPlan":  # for one row, such as its merchant
                yield from nodes(child)

    top = explained["Plan"]
    return answer.json(), list(nodes(top)), top["Shared Hit Blocks"] + top["Shared Read Blocks"]


def test_the_last_page_of_a_long_account_costs_what_the_first_does(alice, alice_api):
    """With keyset paging, both pages read the index from their first row: PostgreSQL skips no rows, sorts nothing and
    reads no whole table.
    """
    account = funded(alice, "Busy")
    with no_triggers():
        run(_MORE_ENTRIES, {"account": account.pk, "many": MANY_ENTRIES})
    run("ANALYZE ledger_entry, ledger_transaction, transfer")
    url = f"/api/v1/accounts/{account.pk}/transactions?limit=50"
    signer = signing.Signer(salt=f"cursor|{alice.pk}|client-of-the-tests|transactions|{account.pk}|[]")
    first, nodes_first, blocks_first = plan_of(alice_api, url)
    last, nodes_last, blocks_last = plan_of(alice_api, f"{url}&cursor={signer.sign_object('51')}")
    assert [row["account_seq"] for row in (first["data"][0], last["data"][0], last["data"][-1])] == [
        MANY_ENTRIES + 1,
        50,
        1,
    ]
    assert (first["next_cursor"] is None, last["next_cursor"]) == (False, None)
    for nodes in (nodes_first, nodes_last):
        assert "Index Scan ledger_entry" in nodes
        assert not [node for node in nodes if node.startswith("Sort") or node == "Seq Scan ledger_entry"], nodes
    assert blocks_last < 2 * blocks_first, (blocks_first, blocks_last)


def test_a_page_of_ten_thousand_accounts_is_read_from_the_index(alice, alice_api):
    run(_MORE_ACCOUNTS, [alice.pk, MANY_ACCOUNTS])
    run("ANALYZE bank_account, account_access")
    page, nodes, blocks = plan_of(alice_api, "/api/v1/accounts?limit=50")
    assert len(page["data"]) == 50
    assert not [node for node in nodes if node.startswith(("Sort", "Seq Scan"))], nodes
    assert blocks < 1000


_TRANSFERS = """
INSERT INTO transfer (id, user_id, client_id, idempotency_key, payee_name, payee_iban, currency, amount_minor, reference,
                      created_at, source_id, end_to_end_id, status, status_reason, hold_id)
SELECT gen_random_uuid(), %(user)s, 'app', 'key ' || n, '', %(iban)s, 'GBP', 1, '', now(), %(source)s, '', 'expired', '',
       NULL
  FROM generate_series(1, %(many)s) n"""
_READ = "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'transfer'"


def test_the_sum_of_a_day_reads_the_transfers_of_its_payer(alice, bob):
    """This is true even with statistics from a time when one user had made all transfers."""
    account = funded(bob, "Shop")
    with no_triggers():
        run(_TRANSFERS, {"user": bob.pk, "source": account.pk, "iban": "GB00", "many": 1_000})
    run("ANALYZE transfer")
    with transaction.atomic():
        run("SET LOCAL plan_cache_mode = force_generic_plan")
        before = run(_READ)
        assert day_sum(alice.pk, "GBP").ordered == 0
        assert run(_READ) == before
