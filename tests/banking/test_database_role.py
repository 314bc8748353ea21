"""The database role of the site has enough rights for everything that the site does, and no others."""

import contextlib
import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test import Client as Browser
from django.utils import timezone
from procrastinate.contrib.django import app as worker
from rest_framework.test import APIClient
from uuid_utils.compat import uuid7

from banking import database, payments
from banking.account_life.functions import call
from banking.checks import check_dormant_days, check_guarantees
from banking.database import cleanup
from banking.ledger import audit
from banking.models import Account, IdempotencyRecord, Transfer
from oauth.operations.cleanup import clean_up
from tests.lib.database import connected_as, site_role
from tests.lib.ledger import FUNDS_MINOR, balances, move
from tests.lib.oauth_client import PASSWORD, allow
from tests.lib.transfers import ELSEWHERE, KEY, body_of, send

pytestmark = pytest.mark.django_db(transaction=True)
SCOPE = "accounts:read balances:read transactions:read transfers:read transfers:write offline_access"


@pytest.fixture
def role(db):
    with site_role() as role:
        yield role


@pytest.fixture
def as_site(role, transactional_db):
    """Runs statements with the site's role."""
    with connected_as(role):
        yield role


def run(*statements):
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def checked(role):
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("database_role", role, "--check", stdout=out)
    return out.getvalue().splitlines()


# --- what it can do


def test_login_consent_and_payments_work_with_the_sites_role(role, mobile_app, token_endpoint, alice, current, savings):
    """Login, consent, token, refresh, transfers within this bank and to another, cancelling, the worker, logout,
    cleanup.
    """
    with connected_as(role):
        browser = Browser()
        browser.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
        tokens = token_endpoint.redeem(mobile_app, allow(browser, mobile_app, scope=SCOPE)).json()
        tokens = token_endpoint.refresh(mobile_app, tokens["refresh_token"]).json()
        api = APIClient(headers={"Authorization": f"Bearer {tokens['access_token']}"})
        assert send(api, body_of(current, savings)).status_code == 201
        assert "Idempotent-Replayed" in send(api, body_of(current, savings))
        pending = [send(api, body_of(current, ELSEWHERE), f"{KEY}-{number}").json()["id"] for number in range(2)]
        assert api.post(f"/api/v1/transfers/{pending[0]}/cancel", {}, format="json").status_code == 200
        with worker.replace_connector(worker.connector.get_worker_connector()):
            worker.run_worker(wait=False, queues=["settlement"], install_signal_handlers=False)
        assert Transfer.objects.get(pk=pending[1]).status == "posted"
        assert len(api.get(f"/api/v1/accounts/{current.pk}/transactions").json()["data"]) == 3
        assert api.delete("/api/v1/consent").status_code == 204
        assert browser.post("/accounts/logout/").status_code == 302
        assert (dict(clean_up()), cleanup.delete_expired(), payments.expire()) == ({}, 0, 0)
        call_command("ledger_audit", stdout=io.StringIO())
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == (role,)
    assert balances(current, savings) == [FUNDS_MINOR - 5000, 2500]


def test_it_forgets_keys_after_seven_days_and_not_before(alice, role):
    for days in (6, 8):
        IdempotencyRecord.objects.create(
            client_id="app", user=alice, operation="x", key=f"{KEY}-{days}", fingerprint=bytes(32),
            created_at=timezone.now() - timedelta(days=days),
        )  # fmt: skip
    with connected_as(role):
        assert cleanup.delete_expired() == 1
        with pytest.raises(ProgrammingError, match="permission denied"):
            run("DELETE FROM idempotency_record")
    assert IdempotencyRecord.objects.get().key == f"{KEY}-6"


# --- what it cannot do; what the owner cannot do either is in test_ledger.py


FORBIDDEN = [
    *[f"UPDATE {table} SET {column} = {column}" for table, column in (
        ("ledger_entry", "amount_minor"), ("ledger_transaction", "description"), ("ledger_seal", "entries"),
        ("bank_account", "posted_minor"), ("bank_account", "held_minor"), ("bank_account", "last_seq"),
        ("bank_account", "holder_id"), ("hold", "amount_minor"), ("transfer", "amount_minor"),
        ("idempotency_record", "fingerprint"), ("django_migrations", "name"), ("oauth_auditevent", "action"))],
    *[f"DELETE FROM {table}" for table in (
        "ledger_entry", "ledger_transaction", "ledger_seal", "bank_account", "hold", "transfer", "idempotency_record",
        "scheduled_transfer", "django_migrations")],
    *[f"TRUNCATE {table} CASCADE" for table in ("ledger_entry", "bank_account", "transfer", "oauth_auditevent")],
    *[f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in ("ledger_entry", "bank_account", "ledger_seal")],
    "DROP TABLE oauth_usedproof_first",
    "INSERT INTO oauth_auditevent_first SELECT * FROM oauth_auditevent",
    "DELETE FROM oauth_usedproof_first",
    "DROP TRIGGER append_only ON ledger_entry",
    "ALTER TABLE bank_account DROP CONSTRAINT no_overdraft",
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION balance_guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TABLE mine (id int)",
    "CREATE TEMPORARY TABLE mine (id int)",
    "SELECT setval(pg_get_serial_sequence('ledger_entry', 'id'), 1)",
    "CREATE ROLE accomplice SUPERUSER",
    "COPY ledger_entry TO PROGRAM 'cat'",
]  # fmt: skip


def test_the_site_cannot_do_what_it_need_not(as_site):
    """PostgreSQL refuses for lack of the privilege (42501), before any trigger runs."""
    refusals = {}
    for statement in FORBIDDEN:
        with pytest.raises(ProgrammingError) as refusal:
            run(statement)
        refusals[statement] = refusal.value.__cause__.sqlstate
    assert refusals == dict.fromkeys(FORBIDDEN, "42501")


def violations(current, savings):
    """INSERT statements, which the site's role may run, and for each one the constraint that refuses it."""
    posted = move(current, savings, 100)
    insert = (
        "INSERT INTO ledger_entry (transaction_id, account_id, currency, amount_minor, account_seq, "
        "balance_after_minor, counterparty_name, counterparty_iban, booked_at) "
        "VALUES ('{0}', '{1}', '{2}', {3}, 0, 0, '', '', now())"
    )
    new = uuid7()
    header = f"INSERT INTO ledger_transaction VALUES ('{new}', 'GBP', 'x', '', now(), NULL)"
    seal = f"INSERT INTO ledger_seal VALUES ('{new}', 2)"
    out, back = (insert.format(new, account.pk, "GBP", "{}") for account in (current, savings))
    yield "sum_zero", [header, out.format(-100), back.format(99), seal]
    yield "sum_zero", [header, out.format(-100), seal]
    yield "sum_zero", [header, seal]
    yield "must_be_sealed", [header, out.format(-100), back.format(100)]
    yield "entry_after_seal", [insert.format(posted.pk, current.pk, "GBP", -1)]
    yield "entry_after_seal", [header, out.format(-1), back.format(1), seal, insert.format(new, savings.pk, "GBP", 1)]
    yield "no_overdraft", [header, out.format(-FUNDS_MINOR), back.format(FUNDS_MINOR), seal]
    yield "entry_transaction_currency", [header, insert.format(new, current.pk, "EUR", -1)]
    yield "entry_amount_in_range", [header, out.format(0)]
    yield "entry_once_per_account", [header, out.format(-1), out.format(1), seal]


@pytest.mark.parametrize("who", ["the site", "the owner"])
def test_what_every_role_inserts_has_to_balance(role, current, savings, who):
    """The triggers of the ledger hold for every role, the owner of the tables included."""
    cases = list(violations(current, savings))
    with connected_as(role) if who == "the site" else contextlib.nullcontext():
        for constraint, statements in cases:
            with pytest.raises(IntegrityError) as refusal:
                run(*statements)
            assert refusal.value.__cause__.diag.constraint_name == constraint
    assert balances(current, savings) == [FUNDS_MINOR - 100, 100]
    assert all(finding.is_clean for finding in audit())


def test_no_function_with_the_owners_rights_can_be_borrowed(current, role):
    """With EXECUTE, a role could put such a trigger function on a table of its own and change a balance without an
    entry.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT TEMPORARY ON DATABASE {connection.settings_dict['NAME']} TO {role}")
    with connected_as(role), pytest.raises(ProgrammingError, match="permission denied for function entry_apply"):
        run(
            "CREATE TEMPORARY TABLE forged (transaction_id uuid, account_id uuid, amount_minor bigint, "
            "account_seq bigint, balance_after_minor bigint)",
            "CREATE TRIGGER forge BEFORE INSERT ON forged FOR EACH ROW EXECUTE FUNCTION entry_apply()",
            f"INSERT INTO forged (account_id, amount_minor) VALUES ('{current.pk}', 1000000)",
        )
    assert balances(current) == [FUNDS_MINOR]


def test_the_site_cannot_say_that_a_moment_without_a_payment_is_long(role, current, savings, alice_api):
    """The database's clock decides: an account that was used within 30 days cannot become dormant."""
    Account.objects.update(opened_at=timezone.now() - timedelta(days=900))
    assert send(alice_api, body_of(current, savings, 1)).status_code == 201
    ahead = timezone.now() + timedelta(days=3650)
    with connected_as(role):
        assert not call("mark_dormant", current.pk, ahead)
        assert call("mark_dormant", savings.pk, ahead)
    assert Account.objects.get(dormant_since__isnull=False) == savings


@pytest.mark.parametrize(("days", "ids"), [(0, []), (29, ["banking.E007"]), (30, []), (-1, ["banking.E007"])])
def test_the_setting_is_not_below_what_the_database_takes(days, ids, settings):
    settings.BANK_DORMANT_DAYS = days
    assert [one.id for one in check_dormant_days()] == ids


def test_another_role_of_the_server_runs_no_function_of_ours(role):
    """PostgreSQL lets everybody call a new function. The site's own role may: `test_login_consent_and_payments_work_with_the_sites_role`."""
    other = f"{role}_of_others"
    run(f"CREATE ROLE {other}")
    try:
        for call in ("digest_of_text('x')", "digest_of_run(1)", "is_owner()"):
            with pytest.raises(ProgrammingError) as refusal:
                run(f"SET LOCAL ROLE {other}", f"SELECT {call}")
            assert refusal.value.__cause__.sqlstate == "42501", call
    finally:
        run(f"DROP ROLE {other}")


# --- the command that verifies it


def test_it_is_verified_and_repaired(role):
    call_command("database_role", role, "--check", stdout=io.StringIO())
    run(
        f"GRANT UPDATE (amount_minor), DELETE ON ledger_entry TO {role}",
        f"GRANT TRUNCATE ON transfer TO {role}",
        f"REVOKE UPDATE (status) ON hold FROM {role}",
        f"REVOKE SELECT ON oauth_client FROM {role}",
        f"ALTER ROLE {role} CREATEROLE",
    )
    assert set(checked(role)) == {
        "excess: attribute CREATEROLE", "excess: DELETE on ledger_entry", "excess: UPDATE (amount_minor) on ledger_entry",
        "excess: TRUNCATE on transfer", "missing: UPDATE (status) on hold", "missing: SELECT on oauth_client",
    }  # fmt: skip
    run(f"ALTER ROLE {role} NOCREATEROLE")
    call_command("database_role", role, stdout=io.StringIO())
    call_command("database_role", role, "--check", stdout=io.StringIO())


def test_a_wrong_right_to_call_a_function_is_named_and_repaired(role):
    run(
        "GRANT EXECUTE ON FUNCTION digest_of_text(text) TO PUBLIC",
        f"GRANT EXECUTE ON FUNCTION entry_apply(), act_as(uuid, text), opening_is_zero() TO {role}",
        f"REVOKE EXECUTE ON FUNCTION digest_of_run(int), close_month(uuid, date, timestamptz) FROM {role}",
    )
    assert set(checked(role)) == {
        "excess: EXECUTE on function digest_of_text(text) for everybody",
        "excess: EXECUTE on function entry_apply()", "excess: EXECUTE on function act_as(uuid,text)",
        "excess: EXECUTE on function opening_is_zero()", "missing: EXECUTE on function digest_of_run(integer)",
        "missing: EXECUTE on function close_month(uuid,date,timestamp with time zone)",
    }  # fmt: skip
    call_command("database_role", role, stdout=io.StringIO())
    call_command("database_role", role, "--check", stdout=io.StringIO())


def test_a_function_of_a_later_migration_can_be_called_until_the_rights_are_renewed(role):
    """Release N runs on the tables of release N+1. The command reports the function until it has run again."""
    run("CREATE FUNCTION later() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    try:
        with connected_as(role):
            run("SELECT later()")
        assert checked(role) == ["excess: EXECUTE on function later() for everybody"]
        call_command("database_role", role, stdout=io.StringIO())
        with connected_as(role):
            run("SELECT later()")
    finally:
        run("DROP FUNCTION later()")


def test_rights_that_come_by_a_group_or_by_everybody_are_seen(role):
    run(f"GRANT pg_write_all_data TO {role}", "GRANT TRUNCATE ON hold TO PUBLIC")
    try:
        found = checked(role)
    finally:
        run("REVOKE TRUNCATE ON hold FROM PUBLIC")
    assert {"excess: membership of pg_write_all_data", "excess: TRUNCATE on hold", "excess: DELETE on hold"} < set(
        found
    )


def test_what_later_migrations_make_can_be_used(role):
    run("CREATE TABLE later (id bigint GENERATED BY DEFAULT AS IDENTITY, note text)")
    try:
        call_command("database_role", role, "--check", stdout=io.StringIO())
        with connected_as(role):
            run("INSERT INTO later (note) VALUES ('x')", "UPDATE later SET note = 'y'", "DELETE FROM later")
    finally:
        run("DROP TABLE later")


def test_a_guarantee_that_is_gone_is_named_and_stops_check(role):
    assert check_guarantees(databases=["default"]) == []
    run("ALTER TABLE ledger_entry DISABLE TRIGGER append_only", "ALTER FUNCTION hold_apply() SECURITY INVOKER")
    try:
        assert checked(role) == [
            "broken: the trigger append_only of ledger_entry is missing or disabled",
            "broken: the function hold_apply does not run with its owner's rights and search path",
        ]
        assert [error.id for error in check_guarantees(databases=["default"])] == ["banking.E001"] * 2
        assert check_guarantees(databases=None) == []  # `check` without `--database` does not use the database
    finally:
        run("ALTER TABLE ledger_entry ENABLE TRIGGER append_only", "ALTER FUNCTION hold_apply() SECURITY DEFINER")


def test_a_unique_index_that_is_gone_is_named(role):
    run("ALTER INDEX ledger_transaction_reverses_id_key RENAME TO elsewhere")
    try:
        assert checked(role) == [
            "broken: the unique index ledger_transaction_reverses_id_key of ledger_transaction is missing or not valid"
        ]
    finally:
        run("ALTER INDEX elsewhere RENAME TO ledger_transaction_reverses_id_key")


def test_a_role_that_is_not_there_or_a_password_that_is_missing_is_an_error(monkeypatch):
    with pytest.raises(CommandError, match="nobody_like_that does not exist"):
        call_command("database_role", "nobody_like_that", "--check")
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(CommandError, match="needs a password"):
        call_command("database_role", "nobody_like_that", "--password-stdin")


def test_its_password_is_never_said_in_the_clear(role, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr("sys.stdin", io.StringIO("a long password\n"))
    with django_assert_max_num_queries(200) as queries:
        call_command("database_role", role, "--password-stdin", stdout=io.StringIO())
    assert not [query for query in queries.captured_queries if "a long password" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", [role])
        assert cursor.fetchone()[0].startswith("SCRAM-SHA-256$")


def test_only_the_owner_of_the_tables_can_set_it_up(role):
    with connected_as(role), pytest.raises(CommandError, match="Run this command as the owner"):
        call_command("database_role", "another_role")
    assert not database.role_exists("another_role")
