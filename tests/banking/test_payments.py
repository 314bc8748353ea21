"""Transfers to other banks: money is held, the transfer is handed over once, and then the money is taken or
released.
"""

import contextlib
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from uuid import UUID

import pytest
import time_machine
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app as worker
from procrastinate.contrib.django.models import ProcrastinateJob
from uuid_utils.compat import uuid7

from banking import ledger, payments
from banking.accounts.opening import SHARDS, internal_account
from banking.ledger import audit, hold, lock, post, release, reverse
from banking.ledger.refusals import AlreadyReversed, InsufficientFunds
from banking.models import Account, AccountAccess, Hold, LedgerEntry, LedgerTransaction, Role, Transfer
from banking.payments import scheme
from banking.payments.refusals import NotCancellable
from banking.payments.settlement import OUTGOING
from oauth.models import Authorization
from oauth.status import liveness
from tests.lib.beside import Beside
from tests.lib.crash import Crash
from tests.lib.ledger import FUNDS_MINOR, balances, funded, held, move, no_triggers
from tests.lib.other_banks import OtherBanks
from tests.lib.threads import in_parallel
from tests.lib.transfers import ELSEWHERE, KEY, body_of, send

pytestmark = pytest.mark.django_db


@contextlib.contextmanager
def locked_elsewhere(account):
    """Locks the account as another payment before its COMMIT does."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM bank_account WHERE id = %s FOR NO KEY UPDATE", [account.pk])
            yield
            cursor.execute("ROLLBACK")
    finally:
        other.close()


@pytest.fixture
def paid(monkeypatch):
    """A payment scheme that records which transfers were handed over, and answers as the test says."""

    others = OtherBanks()
    monkeypatch.setattr("banking.payments.scheme.configured_scheme", lambda: others)
    return others


@pytest.fixture
def pending(paid, alice_api, current):
    """A transfer of 25.00 to another bank, not yet handed over."""
    answer = send(alice_api, body_of(current, ELSEWHERE))
    assert answer.status_code == 201, answer.content
    return Transfer.objects.get(pk=answer.json()["id"])


def settle_and_read(transfer):
    payments.settle(transfer.pk)
    transfer.refresh_from_db()
    return transfer


def test_to_another_bank_money_is_held_then_taken(alice_api, current, pending):
    assert balances(current) == [FUNDS_MINOR]
    assert alice_api.get(f"/api/v1/accounts/{current.pk}/balances").json()["available"]["minor_units"] == 7500
    [job] = ProcrastinateJob.objects.filter(task_name="banking.settle_transfer")
    assert job.args == {"transfer_id": str(pending.pk)}
    assert settle_and_read(pending).status == "posted"
    assert (balances(current), held(current)) == ([FUNDS_MINOR - 2500], 0)
    body = alice_api.get(f"/api/v1/transfers/{pending.pk}").json()
    assert body["destination"] == {
        "scheme": "iban",
        "identifier_masked": "DE••••••••••••••••3000",
        "name": "Dora Demir",
    }
    entry = alice_api.get(f"/api/v1/accounts/{current.pk}/transactions/{body['transaction_ids'][0]}").json()
    assert (entry["counterparty"]["name"], entry["transfer_id"]) == ("Dora Demir", body["id"])
    assert all(finding.is_clean for finding in audit())


def test_a_retry_gets_the_first_answer_whatever_has_become_of_the_transfer(alice_api, current, paid):
    """The transfer has been settled since, and the authorization has ended."""
    first = send(alice_api, body_of(current, ELSEWHERE))
    assert first.json()["status"] == "pending"
    settle_and_read(Transfer.objects.get(pk=first.json()["id"]))
    assert alice_api.get(first["Location"]).json()["status"] == "posted"
    Authorization.objects.all().revoke(Authorization.RevocationReason.USER)
    again = send(alice_api, body_of(current, ELSEWHERE))
    assert (again.status_code, again.json(), again["Location"]) == (201, first.json(), first["Location"])
    assert again["Idempotent-Replayed"] == "true"
    assert send(alice_api, body_of(current, ELSEWHERE, 1)).json()["code"] == "idempotency_key_reused"
    assert send(alice_api, body_of(current, ELSEWHERE), f"{KEY}-2").status_code == 401


def test_settling_twice_takes_the_money_once(current, pending, paid):
    settle_and_read(pending)
    settle_and_read(pending)
    assert balances(current) == [FUNDS_MINOR - 2500]
    assert len(paid.handed_over) == 1


def test_a_refusal_gives_the_money_back_and_says_why(alice_api, current, pending, paid):
    paid.outcome = scheme.Outcome("AC04")
    settle_and_read(pending)
    body = alice_api.get(f"/api/v1/transfers/{pending.pk}").json()
    assert (body["status"], body["status_reason"], body["transaction_ids"]) == ("rejected", "account_closed", [])
    assert body["status_reason_code"] == "AC04"
    assert (balances(current), held(current)) == ([FUNDS_MINOR], 0)


def test_without_an_answer_it_stays_held_and_is_asked_again(current, pending, paid):
    paid.outcome = scheme.Unanswered("timeout")
    with pytest.raises(scheme.Unanswered):
        payments.settle(pending.pk)
    assert held(current) == 2500
    paid.outcome = scheme.Outcome()
    assert settle_and_read(pending).status == "posted"
    assert (paid.handed_over, paid.asked) == ([pending.pk], [pending.pk])


@pytest.mark.django_db(transaction=True)
def test_what_a_worker_that_died_had_begun_is_taken_over(pending):
    """Otherwise the money would be held forever."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 min') RETURNING id)"
            " UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id FROM dead"
        )
    worker.configure_task("oauth.take_over_jobs").defer(timestamp=0)
    with worker.replace_connector(worker.connector.get_worker_connector()):
        worker.run_worker(wait=False, install_signal_handlers=False)
    pending.refresh_from_db()
    assert pending.status == "posted"


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_breaks_while_the_worker_is_told_is_tried_again(paid, alice_api, current):
    """The statement is procrastinate's, which has its own exceptions."""
    crash = Crash(before_statement=10**6)

    def at_the_job(execute, statement, *more):
        if "procrastinate_defer" in statement:
            crash.now()
        return execute(statement, *more)

    with connection.execute_wrapper(at_the_job):
        answer = send(alice_api, body_of(current, ELSEWHERE))
    assert crash.happened
    assert answer.status_code == 201, answer.content
    assert ProcrastinateJob.objects.filter(task_name="banking.settle_transfer").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_waited_for(pending, monkeypatch):
    def away(transfer_id):
        raise OperationalError("the database is failing over")

    monkeypatch.setattr(payments, "settle", away)
    with worker.replace_connector(worker.connector.get_worker_connector()):
        worker.run_worker(wait=False, install_signal_handlers=False)
    [job] = ProcrastinateJob.objects.filter(task_name="banking.settle_transfer")
    assert job.status == "todo"
    assert job.attempts >= 1, "the worker tries again if two seconds pass before it stops"


def test_a_user_cancels_what_is_pending(alice_api, current, pending):
    answer = alice_api.post(f"/api/v1/transfers/{pending.pk}/cancel", {}, format="json")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert (balances(current), held(current)) == ([FUNDS_MINOR], 0)
    again = alice_api.post(f"/api/v1/transfers/{pending.pk}/cancel", {}, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "transfer_not_cancellable")
    assert settle_and_read(pending).status == "cancelled"


def test_what_was_handed_over_or_made_is_not_cancelled(alice_api, current, savings, pending, paid):
    paid.outcome = scheme.Unanswered("timeout")
    with pytest.raises(scheme.Unanswered):
        payments.settle(pending.pk)
    assert alice_api.post(f"/api/v1/transfers/{pending.pk}/cancel", {}, format="json").status_code == 409
    posted = send(alice_api, body_of(current, savings), f"{KEY}-2").json()["id"]
    assert alice_api.post(f"/api/v1/transfers/{posted}/cancel", {}, format="json").status_code == 409
    assert held(current) == 2500


def test_nobody_else_cancels_it(access_token, api, bob, pending, alice):
    of_bob = api(access_token(bob, "transfers:write"))
    assert of_bob.post(f"/api/v1/transfers/{pending.pk}/cancel", {}, format="json").status_code == 404
    reader = api(access_token(alice, "transfers:read"))
    assert reader.post(f"/api/v1/transfers/{pending.pk}/cancel", {}, format="json").status_code == 403


def test_what_was_never_handed_over_expires(current, pending):
    assert payments.expire() == 0
    with time_machine.travel(timezone.now() + timedelta(days=6)):
        assert payments.expire() == 1
        assert payments.expire() == 0
    pending.refresh_from_db()
    assert (pending.status, held(current)) == ("expired", 0)
    assert Hold.objects.get().status == "expired"


@pytest.mark.django_db(transaction=True)
def test_what_is_handed_over_meanwhile_does_not_expire(current, pending):
    """The expiry job has found the transfer, and then another process hands it over: the other bank may pay, so the
    money stays held.
    """
    expire = Beside(payments.expire)
    with time_machine.travel(timezone.now() + timedelta(days=6)):
        with transaction.atomic():
            lock([current.pk])
            expire.start_and_wait()
            Transfer.objects.filter(pk=pending.pk).update(submitted_at=timezone.now())
        expire.join()
    assert expire.results == [0]
    assert held(current) == pending.amount_minor


def test_held_money_cannot_be_spent_twice(alice_api, current, savings, paid):
    assert send(alice_api, body_of(current, ELSEWHERE, 9000)).status_code == 201
    answer = send(alice_api, body_of(current, savings, 1001), f"{KEY}-2")
    assert answer.json()["code"] == "insufficient_funds"
    answer = send(alice_api, body_of(current, ELSEWHERE, 1001), f"{KEY}-3")
    assert answer.json()["code"] == "insufficient_funds"
    assert Transfer.objects.count() == 1


def test_without_a_scheme_other_banks_are_unreachable(settings, alice_api, current):
    settings.PAYMENT_SCHEME = ""
    assert send(alice_api, body_of(current, ELSEWHERE)).json()["code"] == "payee_unreachable"


@pytest.mark.django_db(transaction=True)
def test_of_cancelling_and_handing_over_at_once_one_wins(pending, current):
    def cancel():
        return ledger.in_transaction(lambda: payments.cancel(pending.pk))

    results = in_parallel(*[cancel, lambda: payments.settle(pending.pk)] * 4)
    assert {type(one) for one in results} <= {Transfer, NotCancellable, type(None)}
    pending.refresh_from_db()
    cancelled = [one for one in results if isinstance(one, Transfer)]
    assert (pending.status, len(cancelled)) in {("cancelled", 1), ("posted", 0)}
    assert balances(current) == [FUNDS_MINOR - (0 if cancelled else 2500)]
    assert held(current) == 0
    assert all(finding.is_clean for finding in audit())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("winner", ["capture", "release"])
def test_a_hold_that_is_captured_and_released_at_once_ends_once(current, savings, winner):
    """The first to lock the account wins; either may be first."""
    until = timezone.now() + timedelta(days=1)
    kept = ledger.in_transaction(lambda: hold(current, 2500, until=until))

    def capture():
        post([(current, -2500), (savings, 2500)], description="x", kind="transfer", capturing=kept)

    def give_back():
        lock([current.pk])
        release(kept)

    def outcome(work):
        try:
            return ledger.in_transaction(work)
        except IntegrityError as error:
            return error.__cause__.diag.constraint_name

    works = [capture, give_back] if winner == "capture" else [give_back, capture]
    threads = [Beside(partial(outcome, work)) for work in works]
    with locked_elsewhere(current):
        for queued, thread in enumerate(threads, 1):  # PostgreSQL grants the lock in the order of the requests
            thread.start_and_wait_for(queued)
    for thread in threads:
        thread.join()
    assert [thread.results[0] for thread in threads] == [None, "hold_final"]
    assert Hold.objects.get().status == {"capture": "captured", "release": "released"}[winner]
    assert (balances(savings), held(current)) == ([2500 if winner == "capture" else 0], 0)
    assert all(finding.is_clean for finding in audit())


# --- joint accounts, delegates and readers


@pytest.fixture
def bob_api(access_token, api, bob):
    return api(access_token(bob, "accounts:read balances:read transactions:read transfers:read transfers:write"))


def test_a_joint_holder_sees_and_pays(bob, bob_api, current, savings, of_bob):
    AccountAccess.objects.create(account=current, user=bob, role=Role.HOLDER)
    assert {row["id"] for row in bob_api.get("/api/v1/accounts").json()["data"]} == {str(current.pk), str(of_bob.pk)}
    made = send(bob_api, body_of(current, of_bob))
    assert made.status_code == 201
    assert Transfer.objects.get().user_id == bob.pk
    assert made.json()["destination"] == {"scheme": "account", "account_id": str(of_bob.pk)}


def test_a_reader_of_an_account_cannot_pay(bob, bob_api, current, of_bob, pending):
    AccountAccess.objects.create(account=current, user=bob, role=Role.READER)
    assert bob_api.get(f"/api/v1/accounts/{current.pk}/balances").status_code == 200
    assert bob_api.get(f"/api/v1/transfers/{pending.pk}").status_code == 200
    assert send(bob_api, body_of(current, of_bob)).status_code == 404
    assert bob_api.post(f"/api/v1/transfers/{pending.pk}/cancel", {}, format="json").status_code == 404
    # The account is not their own: they can pay into it only by IBAN, and the limit for new payees applies.
    assert send(bob_api, body_of(of_bob, current), f"{KEY}-2").json()["code"] == "payee_unreachable"
    to_alice = {"scheme": "iban", "identifier": current.iban, "name": "Alice"}
    paid = send(bob_api, body_of(of_bob, to_alice), f"{KEY}-3").json()
    assert Transfer.objects.get(pk=paid["id"]).payee_iban == current.iban


def test_access_that_ended_is_over(bob, bob_api, current):
    access = AccountAccess.objects.create(account=current, user=bob, role=Role.HOLDER)
    access.delete()
    assert bob_api.get(f"/api/v1/accounts/{current.pk}").status_code == 404


def test_the_owners_row_follows_the_account(alice, bob, current):
    AccountAccess.objects.create(account=current, user=bob, role=Role.READER)
    Account.objects.filter(pk=current.pk).update(holder=bob)
    assert [(one.user_id, one.role) for one in current.access.all()] == [(bob.pk, "owner")]


def test_a_list_counts_each_account_once(alice, bob, alice_api, current, django_assert_num_queries):
    AccountAccess.objects.create(account=current, user=bob, role=Role.HOLDER)
    with django_assert_num_queries(1):
        assert len(alice_api.get("/api/v1/accounts").json()["data"]) == 1


# --- undoing


def test_a_reversal_is_a_transaction_of_its_own_and_happens_once(current, savings):
    original = move(current, savings, 100)
    undone = reverse(original)
    assert undone.reverses_id == original.pk
    assert balances(current, savings) == [FUNDS_MINOR, 0]
    assert LedgerEntry.objects.filter(transaction=original).count() == 2
    with pytest.raises(AlreadyReversed):
        reverse(original)


def test_the_database_refuses_a_second_reversal_and_indexes_nothing_else(current, savings):
    """A page of transactions reads the reversal of each transaction."""
    original = move(current, savings, 100)
    reverse(original)
    again = {"currency": "GBP", "kind": "reversal", "description": "Again", "reverses": original}
    with pytest.raises(IntegrityError, match="ledger_transaction_reverses_id_key"), transaction.atomic():
        LedgerTransaction.objects.create(**again)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef('ledger_transaction_reverses_id_key'::regclass)")
        assert cursor.fetchone()[0].endswith("WHERE (reverses_id IS NOT NULL)")


def test_what_was_spent_since_cannot_be_taken_back(current, savings, of_bob):
    original = move(current, savings, 100)
    move(savings, of_bob, 100)
    with pytest.raises(InsufficientFunds):
        reverse(original)
    assert balances(savings) == [0]


# --- the bank's own accounts, which every payment touches


def test_bank_accounts_that_everybody_uses_are_several():
    names = {internal_account("GBP", "Outgoing", shard_by=uuid7()).name for _ in range(200)}
    assert len(names) == SHARDS


@pytest.mark.django_db(transaction=True)
def test_a_payment_asks_for_the_banks_own_account_last(current, paid):
    """When a payment waits for this account, only the seal is left to do after it, so the account is locked only
    briefly.
    """
    outgoing = internal_account("GBP", OUTGOING, shard_by=uuid7())

    @transaction.atomic
    def pay():
        connection.cursor().execute("SET LOCAL lock_timeout = '50ms'")
        post([(outgoing, 100), (current, -100)], description="x", kind="transfer")

    with locked_elsewhere(outgoing), pytest.raises(OperationalError, match="lock timeout") as waits:
        pay()
    # This is the statement that waited. It writes the entries, the customer's first; only the seal comes after it.
    context = waits.value.__cause__.diag.context
    assert "entry_apply()" in context
    assert "INSERT INTO ledger_entry" in context
    assert balances(current) == [FUNDS_MINOR]


@pytest.mark.django_db(transaction=True)
def test_payments_over_other_accounts_of_the_bank_do_not_wait(pending, current, paid):
    other = next(
        one
        for one in (internal_account("GBP", OUTGOING, shard_by=uuid7()) for _ in range(100))
        if one != internal_account("GBP", OUTGOING, shard_by=pending.pk)
    )
    with locked_elsewhere(other):
        assert settle_and_read(pending).status == "posted"


@pytest.mark.django_db(transaction=True)
def test_thirty_two_settlements_at_once_all_succeed(alice, alice_api, paid):
    accounts = [funded(alice, f"Account {number}") for number in range(8)]
    made = [
        send(alice_api, body_of(account, ELSEWHERE, 100), f"{KEY}-{number}-{account.pk}").json()["id"]
        for number in range(4)
        for account in accounts
    ]
    settled = in_parallel(
        *[lambda part=made[start::8]: [payments.settle(UUID(pk)) for pk in part] for start in range(8)]
    )
    assert settled == [[None] * 4] * 8
    assert set(Transfer.objects.values_list("status", flat=True)) == {"posted"}
    assert balances(*accounts) == [FUNDS_MINOR - 400] * 8
    shards = Account.objects.filter(name__startswith=OUTGOING)
    assert sum(shards.values_list("posted_minor", flat=True)) == 3200
    assert shards.count() > 1
    assert all(finding.is_clean for finding in audit())


def test_what_is_held_is_a_pending_transaction_until_it_is_booked(alice_api, current, savings):
    """The list shows it before the booked transactions, on request, and never twice."""
    url = f"/api/v1/accounts/{current.pk}/transactions"
    ids = [send(alice_api, body_of(current, ELSEWHERE, 100), f"pending-key-of-16-{n}").json()["id"] for n in range(3)]
    send(alice_api, body_of(current, savings, 1))
    assert [one["status"] for one in alice_api.get(url).json()["data"]] == ["booked"] * 2
    both = alice_api.get(f"{url}?status=booked,pending").json()["data"]
    assert [one["status"] for one in both] == ["pending"] * 3 + ["booked"] * 2
    assert [one["id"] for one in both[:3]] == ids[::-1]
    assert (both[0]["account_seq"], both[0]["balance_after"], both[0]["booked_at"]) == (None, None, None)
    assert alice_api.get(f"{url}/{ids[0]}").json() == both[2]
    walked, cursor = [], ""
    while cursor is not None:
        page = alice_api.get(f"{url}?status=booked,pending&limit=2{cursor and '&cursor='}{cursor}").json()
        walked += page["data"]
        cursor = page["next_cursor"]
    assert walked == both
    assert alice_api.get(f"{url}?status=pending&direction=in").json()["data"] == []
    payments.settle(UUID(ids[0]))
    assert [one["status"] for one in alice_api.get(f"{url}?status=pending").json()["data"]] == ["pending"] * 2
    assert alice_api.get(f"{url}/{ids[0]}").status_code == 404


def test_what_nobody_asks_about_any_more_is_found_out(pending, paid):
    """The job of the transfer has given up. The other bank may have been paid, so the transfer neither expires nor can
    be cancelled.
    """
    paid.outcome = scheme.Unanswered("timeout")
    with pytest.raises(scheme.Unanswered):
        payments.settle(pending.pk)
    assert payments.resume() == 0  # its own job is still working on it
    with time_machine.travel(timezone.now() + timedelta(hours=7)):
        assert payments.resume() == 1
        assert payments.expire() == 0
        paid.outcome = scheme.Outcome()
        assert payments.resume() == 0
    pending.refresh_from_db()
    assert pending.status == "posted"
    assert not payments.handed_over().exists()


def test_without_a_scheme_nothing_is_handed_over(monkeypatch, pending):
    monkeypatch.setattr("banking.payments.scheme.configured_scheme", lambda: None)
    with pytest.raises(scheme.Unanswered):
        payments.settle(pending.pk)
    pending.refresh_from_db()
    assert pending.submitted_at is None


@pytest.mark.parametrize("table", ["hold", "transfer", "scheduled_transfer", "bank_account"])
def test_no_role_can_delete_orders(pending, table):
    """The database refuses it to every role, the owner of the tables included."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    statements = [f"TRUNCATE {table} CASCADE"]
    if table != "scheduled_transfer":  # no such row exists
        statements.append(f"DELETE FROM {table}")
    for statement in statements:
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            connection.cursor().execute(statement)


def test_the_audit_finds_a_held_amount_without_a_hold(current, pending):
    assert all(finding.is_clean for finding in audit())
    with no_triggers(), connection.cursor() as cursor:
        cursor.execute("UPDATE bank_account SET held_minor = held_minor + 1 WHERE id = %s", [current.pk])
    assert [finding.question[:12] for finding in audit() if not finding.is_clean] == ["Each balance"]


@pytest.mark.django_db(transaction=True)
def test_a_revocation_commits_before_or_after_a_payment_and_not_meanwhile(signing_keys, access_token, api, alice):
    """A revocation cannot commit between the check of the token and the payment."""
    source, there = funded(alice, "One"), funded(alice, "Two", amount_minor=0)
    token = access_token(alice, "transfers:write")
    authorization = Authorization.objects.get()
    with transaction.atomic():
        make_order(source, there, authorization)
        ended = in_parallel(partial(end_at_once, authorization))
    assert isinstance(ended[0], OperationalError)  # otherwise, it would have waited
    authorization.revoke(Authorization.RevocationReason.USER)
    assert send(api(token), body_of(source, there)).status_code == 401


def make_order(source, there, authorization):
    assert liveness.is_active(
        SimpleNamespace(client_id=authorization.client.client_id, authorization_id=authorization.pk)
    )
    payments.make(
        payments.PaymentOrder(
            user_id=source.holder_id, client_id="x", key=KEY, source=source, destination=there, amount_minor=1,
            currency="GBP", reference="x",
        )
    )  # fmt: skip


def end_at_once(authorization):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '200ms'")
        authorization.revoke(Authorization.RevocationReason.USER)
