"""Reading the sum of a day has a bounded cost and is exact, even for a user who pays thousands of times a day."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from banking.models import PaymentSum, Transfer
from banking.payments.day_sum import day_ago, day_sum
from tests.lib.ledger import no_triggers
from tests.lib.transfers import ELSEWHERE, KEY, body_of, send

pytestmark = pytest.mark.django_db
_TRANSFERS = """
INSERT INTO transfer (id, user_id, client_id, idempotency_key, payee_name, payee_iban, currency, amount_minor, reference,
                      created_at, source_id, end_to_end_id, status, status_reason, settled_at, transaction_id)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000' || '8' || lpad(to_hex(n), 15, '0'))::uuid,
       %(user)s, 'x', 'key ' || n, 'Payee', 'DE89370400440532013000', %(currency)s, n, 'Ref', at, %(account)s, '', 'posted',
       '', at, gen_random_uuid()
  FROM (SELECT n, %(first)s + n * %(step)s AS at FROM generate_series(%(begin)s + 1, %(begin)s + %(many)s) n) numbered
"""
_SUMS = "SELECT ordered, to_others, were_read FROM day_sum(%s::uuid, %s::text, %s::uuid, current_date, true)"


def run(statement, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def paid(account, many, *, since, until, currency="GBP", begin=0):
    values = {
        "user": account.holder_id, "account": account.pk, "currency": currency, "begin": begin, "many": many,
        "first": since - begin * ((until - since) / many), "step": (until - since) / many,
    }  # fmt: skip
    with no_triggers():
        run(_TRANSFERS, values)


def exact(user, since):
    rows = Transfer.objects.filter(user=user, currency="GBP", pk__gt=day_ago(since + timedelta(days=1)))
    return sum(rows.values_list("amount_minor", flat=True))


def read(user, at):
    [(ordered, to_others, were_read)] = run(_SUMS, [user.pk, "GBP", day_ago(at)])
    return int(ordered), int(to_others), were_read


def blocks(user, at):
    [[[explained]]] = run("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + _SUMS, [user.pk, "GBP", day_ago(at)])
    top = explained["Plan"]
    return top["Shared Hit Blocks"] + top["Shared Read Blocks"]


def summed_up(alice, now):
    """Updates the sums as the payments of the day would have done."""
    for hour in range(24, 0, -1):
        run("SELECT sum_up_payments(%s, 'GBP', %s, %s)", [alice.pk, day_ago(now), now - timedelta(hours=hour - 1)])


def test_the_sum_is_exact_while_the_day_moves_on(alice, current):
    now = timezone.now()
    paid(current, 600, since=now - timedelta(hours=30), until=now - timedelta(hours=1))
    paid(current, 50, since=now - timedelta(hours=20), until=now, currency="EUR", begin=600)
    assert read(alice, now)[0] == exact(alice, now - timedelta(days=1))
    summed_up(alice, now)
    assert PaymentSum.objects.count() > 5
    for hours in (0, 0.37, 3, 11.3, 23, 30):
        at = now + timedelta(hours=hours)
        ordered, to_others, were_read = read(alice, at)
        assert ordered == to_others == exact(alice, at - timedelta(days=1)), hours
        assert were_read < 60
    assert read(alice, now)[2] < 60


def test_the_payment_after_many_sums_them_up_and_drops_what_is_older_than_a_day(alice, alice_api, current):
    now = timezone.now()
    PaymentSum.objects.create(
        user=alice, currency="GBP", after_id=day_ago(now - timedelta(days=3)), last_id=day_ago(now - timedelta(days=2)),
        ordered_minor=1, to_others_minor=1,
    )  # fmt: skip
    paid(current, 201, since=now - timedelta(hours=20), until=now - timedelta(minutes=20))
    before = day_sum(alice.pk, "GBP").ordered
    assert send(alice_api, body_of(current, ELSEWHERE, 7)).status_code == 201
    [made] = PaymentSum.objects.all()
    assert (made.ordered_minor, made.to_others_minor) == (before - 1, before - 1), "without the first one"
    assert day_sum(alice.pk, "GBP").ordered == before + 7
    assert read(alice, timezone.now())[2] == 2


def test_what_is_summed_up_and_then_not_paid_leaves_the_own_limit_free(alice, alice_api, current):
    send(alice_api, body_of(current, ELSEWHERE, 1))
    made = send(alice_api, body_of(current, ELSEWHERE, 7), f"{KEY}-2")
    later = timezone.now() + timedelta(minutes=30)
    run("SELECT sum_up_payments(%s, 'GBP', %s, %s)", [alice.pk, day_ago(timezone.now()), later])
    assert PaymentSum.objects.get().to_others_minor == 7
    alice_api.post(f"{made['Location']}/cancel", {}, format="json")
    assert (day_sum(alice.pk, "GBP").ordered, day_sum(alice.pk, "GBP").to_others) == (8, 1)
    assert read(alice, timezone.now())[2] == 1


@pytest.mark.django_db(transaction=True)
def test_a_transfer_that_changes_in_this_moment_is_not_summed_up(alice, alice_api, current):
    for number in (1, 2):
        send(alice_api, body_of(current, ELSEWHERE, 7), f"{KEY}-{number}")
    later = timezone.now() + timedelta(minutes=30)
    beside = connection.copy()
    beside.set_autocommit(False)
    try:
        with beside.cursor() as cursor:
            cursor.execute("SELECT FROM transfer FOR UPDATE")
        with transaction.atomic():
            run("SET LOCAL lock_timeout = '2s'")
            run("SELECT sum_up_payments(%s, 'GBP', %s, %s)", [alice.pk, day_ago(timezone.now()), later])
        assert not PaymentSum.objects.exists()
    finally:
        beside.rollback()
        beside.close()


@pytest.mark.large
def test_ten_thousand_transfers_of_a_day_are_not_read_for_each_payment(alice, current):
    now = timezone.now()
    paid(current, 10_000, since=now - timedelta(hours=23), until=now - timedelta(minutes=16))
    run("ANALYZE transfer")
    before = blocks(alice, now)
    for minutes in range(23 * 60, 0, -25):
        run(
            "SELECT sum_up_payments(%s, 'GBP', %s, %s)", [alice.pk, day_ago(now), now - timedelta(minutes=minutes - 20)]
        )
    run("ANALYZE payment_sum")
    assert read(alice, now)[0] == exact(alice, now - timedelta(days=1)) == 10_000 * 10_001 // 2
    for _ in range(6):  # makes PostgreSQL use one plan for all values
        read(alice, now)
    print(f"\nbuffers of a day's sum: {before} before, {blocks(alice, now)} now")  # noqa: T201
    assert blocks(alice, now) < 100 < before
