"""A filter that finds nothing reads a bounded part of an account, however long it is."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from banking.models import Category, Merchant
from tests.banking.test_spans import _ENTRIES, MANY, run
from tests.lib.ledger import funded, no_triggers
from tests.lib.plans import blocks_of

pytestmark = [pytest.mark.django_db, pytest.mark.large]

_TRANSFERS = """
INSERT INTO transfer (id, user_id, client_id, idempotency_key, payee_name, payee_iban, currency, amount_minor, reference,
                      created_at, source_id, end_to_end_id, status, status_reason, settled_at, transaction_id)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000' || '8' || lpad(to_hex(n), 15, '0'))::uuid,
       %(user)s, 'x', 'key ' || n, 'Payee', 'DE89370400440532013000', 'GBP', 100, 'Ref', at, %(account)s, '', 'posted', '',
       at, gen_random_uuid()
  FROM (SELECT n, %(last)s - (%(all)s - n) * interval '2 minutes' AS at
          FROM generate_series(%(first)s + 1, %(first)s + %(many)s) n) numbered
"""


@pytest.fixture
def app(access_token, api, alice):
    def for_details(*details):
        token = access_token(
            alice, "transactions:read transfers:read", auth_time=timezone.now(), authorization_details=details
        )
        return api(token)

    return for_details


def test_no_filter_reads_three_hundred_thousand_transactions(alice, app):
    account, _ = funded(alice, "Busy", amount_minor=0), funded(alice, "Idle", amount_minor=0)
    last = timezone.now() - timedelta(hours=26)
    with no_triggers():
        run("SET LOCAL statement_timeout = 0")
        for first, many in ((0, MANY // 2), (MANY // 2, MANY // 2)):
            run(_ENTRIES, {"account": account.pk, "first": first, "many": many, "all": MANY, "last": last})
            if not first:
                run("ANALYZE ledger_entry, ledger_transaction")
        run("UPDATE bank_account SET last_seq = %s WHERE id = %s", [MANY, account.pk])
    for number in range(2000):
        Merchant.objects.create(counterparty=f"Shop {number}", name="x", category=Category.SHOPPING)
    url, year_ago = f"/api/v1/accounts/{account.pk}/transactions", (last - timedelta(days=365)).isoformat()
    # A row that is shown costs up to twenty blocks: its transaction, the transfer, its reversal, and its merchant.
    cases = [
        ({"direction": "out"}, 0, 200), ({"direction": "out", "from": year_ago}, 0, 200),
        ({"direction": "out", "to": year_ago}, 0, 200), ({"direction": "in"}, 50, 1_000),
        ({"min_amount": 2}, 0, 200), ({"min_amount": 2, "to": year_ago}, 0, 200),
        ({"max_amount": 0, "direction": "in"}, 0, 200),
        ({"after_seq": MANY}, 0, 200), ({"after_seq": 0, "direction": "out"}, 0, 200),
        ({"after_seq": 0, "min_amount": 2}, 0, 200), ({"after_seq": MANY - 20}, 20, 500),
        # The filters for text and category also read other rows of each of the 2,000 entries.
        ({"text": "nothing"}, 0, 16_000), ({"category": "travel"}, 0, 16_000),
    ]  # fmt: skip
    feed = [({}, 50, 1_000), ({"from": timezone.now().isoformat()}, 0, 200), ({"direction": "out"}, 0, 9_000)]
    for statistics in ("old", "fresh"):
        if statistics == "fresh":
            run("ANALYZE ledger_entry, ledger_transaction, merchant")
        for query, count, most in cases:
            answer, blocks = blocks_of(partial(app().get, url, query), table='"ledger_entry"')
            assert len(answer.json()["data"]) == count, query
            assert blocks < most, (statistics, query, blocks)
        for query, count, most in feed:
            answer, blocks = blocks_of(partial(app().get, "/api/v1/transactions", query), table="ledger_entry")
            assert len(answer.json()["data"]) == count, query
            assert blocks < most, (statistics, query, blocks)


def test_no_list_of_transfers_reads_all_of_them(alice, app):
    account, other = funded(alice, "Busy", amount_minor=0), funded(alice, "Idle", amount_minor=0)
    many, last = 100_000, timezone.now() - timedelta(hours=26)
    with no_triggers():
        run("SET LOCAL statement_timeout = 0")
        for first in (0, many // 2):
            run(
                _TRANSFERS,
                {"user": alice.pk, "account": account.pk, "first": first, "many": many // 2, "all": many, "last": last},
            )
            if not first:
                run("ANALYZE transfer")
    today, year_ago = timezone.now().isoformat(), (last - timedelta(days=365)).isoformat()
    detail = {"type": "account_information", "accounts": [str(account.pk), str(other.pk)], "actions": ["transactions"]}
    limited = {**detail, "history_from": str(timezone.now().date())}
    cases = [
        ((), {}, 50, 1_000), ((), {"from": today}, 0, 200), ((), {"to": year_ago}, 0, 200), ((), {"status": "pending"}, 0, 200),
        ((), {"status": "rejected,cancelled"}, 0, 200), ((detail,), {}, 50, 1_000), ((limited,), {}, 0, 200),
        ((limited,), {"text": "nothing"}, 0, 200), ((), {"text": "nothing"}, 0, 900), ((), {"min_amount": 101}, 0, 900),
        ((), {"status": "posted", "min_amount": 101}, 0, 900),
    ]  # fmt: skip
    for statistics in ("old", "fresh"):
        if statistics == "fresh":
            run("ANALYZE transfer")
        for details, query, count, most in cases:
            answer, blocks = blocks_of(partial(app(*details).get, "/api/v1/transfers", query), table='"transfer"')
            assert len(answer.json()["data"]) == count, query
            assert blocks < most, (statistics, details, query, blocks)
