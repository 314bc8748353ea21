"""The ledger: which transactions it accepts, and what the database refuses to every role."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from banking import tasks
from banking.accounts.opening import internal_account
from banking.database import cleanup
from banking.ledger import audit
from banking.ledger.refusals import AccountNotOpen, BalanceOutOfRange, CurrencyMismatch, InsufficientFunds, SameAccount
from banking.models import Account, Hold, LedgerAudit, LedgerEntry, LedgerSeal, LedgerTransaction
from banking.notation.amounts import MOST_MINOR
from config.server import health
from tests.lib.ledger import FUNDS_MINOR, balances, funded, move, no_triggers
from tests.lib.threads import in_parallel

pytestmark = pytest.mark.django_db


def refused_by(constraint):
    return pytest.raises(IntegrityError, match=constraint)


def sql(statement, *parameters):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement, parameters)


def header(currency="GBP"):
    return LedgerTransaction.objects.create(currency=currency, kind="test", description="Test")


def entry(ledger_transaction, account, amount_minor, currency="GBP"):
    return LedgerEntry.objects.create(
        transaction=ledger_transaction, account=account, currency=currency, amount_minor=amount_minor,
        account_seq=0, balance_after_minor=0,
    )  # fmt: skip


def test_money_moves_and_both_sides_remember_it(current, savings):
    posted = move(current, savings, 2500)
    assert balances(current, savings) == [FUNDS_MINOR - 2500, 2500]
    entries = {one.account_id: one for one in posted.entries.all()}
    assert entries[current.pk].balance_after_minor == FUNDS_MINOR - 2500
    assert entries[savings.pk].account_seq == 1
    assert entries[savings.pk].counterparty_name == current.name
    assert posted.seal.entries == 2
    assert all(finding.is_clean for finding in audit())


def test_more_than_there_is_is_refused_and_leaves_nothing(current, savings):
    before = LedgerTransaction.objects.count()
    with pytest.raises(InsufficientFunds):
        move(current, savings, FUNDS_MINOR + 1)
    assert LedgerTransaction.objects.count() == before
    assert balances(current, savings) == [FUNDS_MINOR, 0]


def test_an_overdraft_may_be_used_to_its_limit(current, savings):
    Account.objects.filter(pk=current.pk).update(overdraft_minor=500)
    move(current, savings, FUNDS_MINOR + 500)
    with pytest.raises(InsufficientFunds):
        move(current, savings, 1)


def test_currencies_and_accounts_have_to_fit(current, alice):
    euros = funded(alice, "Euros", "EUR")
    with pytest.raises(CurrencyMismatch):
        move(current, euros, 1)
    with pytest.raises(SameAccount):
        move(current, current, 1)


def test_a_frozen_account_only_receives_and_a_closed_one_does_neither(current, savings):
    Account.objects.filter(pk=savings.pk).update(status="frozen")
    move(current, savings, 10)
    with pytest.raises(AccountNotOpen):
        move(savings, current, 1)
    Account.objects.filter(pk=savings.pk).update(status="open")
    move(savings, current, 10)
    Account.objects.filter(pk=savings.pk).update(status="closed")
    with pytest.raises(AccountNotOpen):
        move(current, savings, 1)


def test_an_account_with_money_cannot_be_closed(current):
    with refused_by("closed_is_empty"):
        Account.objects.filter(pk=current.pk).update(status="closed")


# --- what the database refuses, even to the owner of the tables


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_transaction", "ledger_seal"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_ledger_is_append_only(current, table, statement):
    column = "entries" if table == "ledger_seal" else "currency"
    with refused_by("append-only"):
        sql(statement.format(table, column, column))


def test_accounts_and_holds_cannot_be_deleted(savings):
    with refused_by("append-only"):
        sql("DELETE FROM bank_account")


def test_an_unbalanced_transaction_cannot_be_sealed(current, savings):
    posted = header()
    entry(posted, current, -100)
    entry(posted, savings, 99)
    with refused_by("unbalanced"):
        LedgerSeal.objects.create(transaction=posted, entries=2)


def test_a_single_entry_cannot_be_sealed(current):
    posted = header()
    entry(posted, current, -100)
    with refused_by("unbalanced"):
        LedgerSeal.objects.create(transaction=posted, entries=2)


@pytest.mark.django_db(transaction=True)
def test_an_unsealed_transaction_cannot_be_committed(current, savings):
    def unsealed():
        with transaction.atomic():
            posted = header()
            entry(posted, current, -100)
            entry(posted, savings, 100)

    with refused_by("must_be_sealed"):
        unsealed()
    assert balances(current, savings) == [FUNDS_MINOR, 0]


def test_nothing_is_added_after_the_seal(current, savings, alice):
    posted = move(current, savings, 100)
    third = funded(alice, "Third", amount_minor=0)
    with refused_by("sealed"):
        entry(posted, third, 1)


def test_an_entry_of_another_currency_is_refused(current):
    with refused_by("currency"):
        entry(header("EUR"), current, -1, "EUR")


def test_an_entry_of_zero_or_beyond_the_range_is_refused(current):
    for amount_minor in (0, 10**15 + 1, -(10**15) - 1):
        with transaction.atomic(), pytest.raises(IntegrityError), transaction.atomic():
            entry(header(), internal_account("GBP", "Clearing"), amount_minor)


@pytest.mark.parametrize("change", ["posted_minor = 1", "held_minor = 1", "last_seq = 9"])
def test_balances_move_only_through_the_ledger(savings, change):
    with refused_by("balances move only"):
        sql(f"UPDATE bank_account SET {change} WHERE id = %s", savings.pk)


@pytest.mark.parametrize("change", ["currency = 'EUR'", "kind = 'internal', holder_id = NULL"])
def test_the_identity_of_an_account_never_changes(savings, change):
    with refused_by("identity"):
        sql(f"UPDATE bank_account SET {change} WHERE id = %s", savings.pk)


def test_an_account_opens_at_zero(alice):
    with refused_by("open at zero"):
        Account.objects.create(holder=alice, kind="customer", type="current", name="x", currency="GBP", posted_minor=1)


def test_a_transaction_is_reversed_at_most_once(current, savings):
    original = move(current, savings, 100)
    LedgerTransaction.objects.create(currency="GBP", kind="reversal", description="x", reverses=original)
    with pytest.raises(IntegrityError):
        LedgerTransaction.objects.create(currency="GBP", kind="reversal", description="x", reverses=original)


def hold(account, amount_minor):
    return Hold.objects.create(
        account=account, amount_minor=amount_minor, expires_at=timezone.now() + timedelta(days=1)
    )


def test_held_money_cannot_be_spent_and_is_released_once(current, savings):
    held = hold(current, FUNDS_MINOR - 100)
    with pytest.raises(InsufficientFunds):
        move(current, savings, 101)
    move(current, savings, 100)
    Hold.objects.filter(pk=held.pk).update(status="released")
    with refused_by("final"), transaction.atomic():
        Hold.objects.filter(pk=held.pk).update(status="expired")
    move(current, savings, FUNDS_MINOR - 100)


def test_no_balance_reaches_what_json_readers_round(current, savings, alice):
    """2^53 - 1 is the last integer that each of them keeps exact (RFC 8259 §6)."""
    clearing = internal_account("GBP", "Clearing")
    for _ in range(9):
        move(clearing, savings, 10**15)
    with pytest.raises(BalanceOutOfRange):
        move(clearing, savings, 10**15)
    move(clearing, savings, MOST_MINOR - 9 * 10**15 - FUNDS_MINOR)
    with pytest.raises(BalanceOutOfRange):  # the entry of the bank's own account
        move(clearing, savings, 1)
    for change in ({"overdraft_minor": MOST_MINOR + 1}, {"overdraft_minor": FUNDS_MINOR + 1}):
        with transaction.atomic(), refused_by("balance_in_range"):
            Account.objects.filter(pk=savings.pk).update(**change)
    hold(savings, 100)  # so that less than the balance is available
    with pytest.raises(BalanceOutOfRange):
        move(internal_account("GBP", "Fees"), savings, FUNDS_MINOR + 1)
    assert all(finding.is_clean for finding in audit())


def test_a_hold_needs_the_money(current):
    with refused_by("no_overdraft"):
        hold(current, FUNDS_MINOR + 1)


# --- races, on real connections


@pytest.mark.django_db(transaction=True)
def test_thirty_parallel_postings_spend_exactly_the_balance(current, savings):
    """Parallel postings never overdraw the account and refuse none that it covers."""
    results = in_parallel(*[lambda: move(current, savings, 1000)] * 30)
    succeeded = [one for one in results if isinstance(one, LedgerTransaction)]
    assert len(succeeded) == FUNDS_MINOR // 1000
    assert {type(one) for one in results} == {LedgerTransaction, InsufficientFunds}
    assert balances(current, savings) == [0, FUNDS_MINOR]
    assert all(finding.is_clean for finding in audit())


@pytest.mark.django_db(transaction=True)
def test_opposite_transfers_do_not_deadlock(current, of_bob):
    """Both directions lock the two accounts in the same order."""
    there, back = (lambda: move(current, of_bob, 1)), (lambda: move(of_bob, current, 1))
    results = in_parallel(*[there, back] * 12)
    assert {type(one) for one in results} == {LedgerTransaction}
    assert balances(current, of_bob) == [FUNDS_MINOR, FUNDS_MINOR]


# --- the audit sees what should be impossible


def test_a_clean_ledger_passes_the_audit(current, capsys):
    call_command("ledger_audit")
    assert "FAILED" not in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE ledger_entry SET amount_minor = amount_minor + 1 WHERE id = (SELECT max(id) FROM ledger_entry)",
        "UPDATE bank_account SET posted_minor = posted_minor + 1 WHERE kind = 'customer'",
        "UPDATE ledger_entry SET balance_after_minor = 7 WHERE id = (SELECT max(id) FROM ledger_entry)",
        "UPDATE ledger_entry SET account_seq = 7 WHERE id = (SELECT max(id) FROM ledger_entry)",
        "UPDATE bank_account SET last_seq = 7 WHERE kind = 'customer'",
        "DELETE FROM ledger_seal",
        "DELETE FROM ledger_entry WHERE id = (SELECT max(id) FROM ledger_entry)",
    ],
)
def test_damage_fails_the_audit(current, damage, capsys):
    with no_triggers(), connection.cursor() as cursor:
        cursor.execute(damage)
    with pytest.raises(CommandError):
        call_command("ledger_audit")
    assert "FAILED" in capsys.readouterr().out


def told(client, monkeypatch):
    """Returns the audit's lines at /metrics, by name, in a process that has not measured anything yet."""
    monkeypatch.setattr(health, "_measured_at", float("-inf"))
    lines = client.get("/metrics").content.decode().splitlines()
    told = dict(line.rsplit(" ", 1) for line in lines if line.startswith("ledger_audit_"))
    return {name: float(value) for name, value in told.items()}


@pytest.mark.django_db(transaction=True)
def test_the_worker_audits_and_metrics_tell_what_it_found_and_when(current, client, monkeypatch, caplog):
    monkeypatch.setattr("banking.ledger.digests.extend", lambda cursor: "")  # no key was active that day
    with time_machine.travel(datetime(2026, 11, 24, 12, tzinfo=UTC), tick=False):
        tasks.audit_ledger(timestamp=0)
        assert not caplog.records
        metrics = told(client, monkeypatch)
        assert metrics.pop("ledger_audit_timestamp_seconds") == datetime.now(UTC).timestamp()
        del metrics["ledger_audit_seconds"]
        assert len(metrics) == len(audit())
        assert set(metrics.values()) == {0}
    with no_triggers(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM ledger_seal")
    tasks.audit_ledger(timestamp=0)
    assert "audit of the ledger failed" in caplog.text
    wrong = {name: value for name, value in told(client, monkeypatch).items() if "differences" in name and value}
    assert wrong == {'ledger_audit_differences{question="Each transaction is sealed and balanced"}': 1}


def test_old_audits_are_deleted():
    for days in (1, 401):
        LedgerAudit.objects.create(seconds=1, differences={}, ended_at=timezone.now() - timedelta(days=days))
    assert cleanup.delete_expired() == 1


def test_internal_accounts_are_made_once():
    assert internal_account("GBP", "Fees").pk == internal_account("GBP", "Fees").pk
    assert isinstance(internal_account("GBP", "Fees").pk, uuid.UUID)
