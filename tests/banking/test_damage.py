"""Damage around the ledger: the site's own role is refused each of it; what the owner of the tables does with the triggers
off is found and named by the next audit."""

from dataclasses import dataclass

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from banking import ledger, oversight, payments
from banking.ledger.audit import audit, audit_and_record
from banking.models import AccountAccess, Transfer
from banking.payments.scheme import Outcome
from tests.lib.database import connected_as, site_role
from tests.lib.ledger import move
from tests.lib.staff import officer
from tests.lib.transfers import ELSEWHERE, KEY, body_of, send

pytestmark = pytest.mark.django_db
TRANSFER, HOLD, DIGEST = "Each transfer equals", "Each captured hold", "Each entry, its transaction"
STATE, ACCESS, REVERSAL = "Each account's state", "Each access", "Each reversal"
BALANCE, GAP, SEALED, MONTH, OUTSIDE = (
    "Each balance", "Each account's entries", "Each transaction is sealed", "Each entry is booked", "The digests are",
)  # fmt: skip
SUM = "The entries of each currency"


@dataclass(frozen=True)
class Damage:
    """`by` are statements; `found_by` begins the statement of the audit that it contradicts."""

    what: str
    found_by: str
    by: str


DAMAGES = [
    Damage("a posted transfer is cancelled", TRANSFER, "UPDATE transfer SET status = 'cancelled', transaction_id = NULL WHERE id = '{posted}'"),
    Damage("a posted transfer points to another transaction", TRANSFER, "UPDATE transfer SET transaction_id = '{loose}' WHERE id = '{posted}'"),
    Damage("a posted transfer has another amount", TRANSFER, "UPDATE transfer SET amount_minor = 1 WHERE id = '{posted}'"),
    Damage("a posted transfer has another destination", TRANSFER, "UPDATE transfer SET destination_id = '{of_bob}' WHERE id = '{posted}'"),
    Damage("a posted transfer comes from another account", TRANSFER, "UPDATE transfer SET source_id = '{of_bob}' WHERE id = '{posted}'"),
    Damage("a settled transfer has another payee", DIGEST, "UPDATE transfer SET payee_iban = 'XX' WHERE id = '{settled}'"),
    Damage("a settled transfer has another reference", DIGEST, "UPDATE transfer SET reference = 'x' WHERE id = '{settled}'"),
    Damage("a settled transfer is of another user", DIGEST, "UPDATE transfer SET user_id = '{bob}' WHERE id = '{settled}'"),
    Damage("a settled transfer is dated back", DIGEST, "UPDATE transfer SET settled_at = '2020-01-01' WHERE id = '{settled}'"),
    Damage("a settled transfer is rejected, its hold released", TRANSFER, "UPDATE transfer SET status = 'rejected' , transaction_id = NULL WHERE id = '{settled}'"),
    Damage("a pending transfer is posted by somebody else's transaction", TRANSFER, "UPDATE transfer SET status = 'posted', transaction_id = '{loose}' WHERE id = '{pending}'"),
    Damage("a pending transfer is rejected and its money stays held", TRANSFER, "UPDATE transfer SET status = 'rejected' WHERE id = '{pending}'"),
    Damage("the hold of a pending transfer is released", TRANSFER, "UPDATE hold SET status = 'released' WHERE id = '{pending_hold}'"),
    Damage("a hold is captured by another account's transaction", HOLD, "UPDATE hold SET status = 'captured', captured_by_id = '{of_bobs}' WHERE id = '{pending_hold}'"),
    Damage("a captured hold points to another transaction", HOLD, "UPDATE hold SET captured_by_id = '{of_bobs}' WHERE id = '{settled_hold}'"),
    Damage("a reversal reverses something else", REVERSAL, "UPDATE ledger_transaction SET reverses_id = '{of_bobs}' WHERE id = '{reversal}'"),
    Damage("a transaction becomes the reversal of another", REVERSAL, "UPDATE ledger_transaction SET reverses_id = '{of_bobs}' WHERE id = '{loose}'"),
    Damage("a reversal forgets what it reverses", DIGEST, "UPDATE ledger_transaction SET reverses_id = NULL WHERE id = '{reversal}'"),
    Damage("an overdraft is raised", STATE, "UPDATE bank_account SET overdraft_minor = 1000000000 WHERE id = '{current}'"),
    Damage("an account is unfrozen", STATE, "UPDATE bank_account SET status = 'open' WHERE id = '{frozen}'"),
    Damage("an account is frozen", STATE, "UPDATE bank_account SET status = 'frozen' WHERE id = '{current}'"),
    Damage("another holder is added", ACCESS, "INSERT INTO account_access (account_id, user_id, role) VALUES ('{current}', '{bob}', 'holder')"),
    Damage("a reader becomes a holder", ACCESS, "UPDATE account_access SET role = 'holder' WHERE role = 'reader'"),
    Damage("an entry has another amount, and so has its counterpart", DIGEST, "UPDATE ledger_entry SET amount_minor = amount_minor * 2 WHERE transaction_id = '{loose}'"),
    Damage("one entry has another amount", SUM, "UPDATE ledger_entry SET amount_minor = amount_minor + 1 WHERE transaction_id = '{loose}' AND amount_minor > 0"),
    Damage("an entry is dated back", DIGEST, "UPDATE ledger_entry SET booked_at = '2020-01-01' WHERE transaction_id = '{loose}'"),
    Damage("an entry has another counterparty", DIGEST, "UPDATE ledger_entry SET counterparty_name = 'x' WHERE transaction_id = '{loose}'"),
    Damage("an entry has another value date", DIGEST, "UPDATE ledger_entry SET value_date = '2020-01-01' WHERE transaction_id = '{loose}'"),
    Damage("a transaction has another text", DIGEST, "UPDATE ledger_transaction SET description = 'x' WHERE id = '{loose}'"),
    Damage("the last transaction is cut off", DIGEST, "{cut}"),
    Damage("a balance is raised", BALANCE, "UPDATE bank_account SET posted_minor = posted_minor + 1 WHERE id = '{current}'"),
    Damage("entries are numbered with a gap", GAP, "UPDATE bank_account SET last_seq = last_seq + 1 WHERE id = '{current}'"),
    Damage("a seal is gone", SEALED, "DELETE FROM ledger_seal WHERE transaction_id = '{loose}'"),
    Damage("a closed month has another balance", MONTH, "INSERT INTO month_closing (id, account_id, month, last_seq, closing_minor, ends_at, closed_at) VALUES (gen_random_uuid(), '{current}', '2020-01-01', 0, 5, '2020-02-01', now())"),
    Damage("a digest is made to fit", OUTSIDE, "UPDATE ledger_digest SET digest = '\\x00'"),
]  # fmt: skip
CUT = (
    "UPDATE bank_account a SET posted_minor = posted_minor - e.amount_minor, last_seq = last_seq - 1"
    " FROM ledger_entry e WHERE e.account_id = a.id AND e.transaction_id = '{last}';"
    "DELETE FROM ledger_seal WHERE transaction_id = '{last}';"
    "DELETE FROM ledger_entry WHERE transaction_id = '{last}';"
    "DELETE FROM ledger_transaction WHERE id = '{last}'"
)


@pytest.fixture
def names(alice, bob, alice_api, current, savings, of_bob, settings, tmp_path, monkeypatch):
    """A bank in which everything that is damaged below has happened, and that was audited once."""
    settings.LEDGER_DIGEST_FILE = str(tmp_path / "digests")
    monkeypatch.setattr("banking.payments.scheme.configured_scheme", lambda: lambda transfer: Outcome())
    posted, settled, pending = (
        Transfer.objects.get(pk=send(alice_api, body_of(current, to, 100), f"{KEY}-{number}").json()["id"])
        for number, to in enumerate([savings, ELSEWHERE, ELSEWHERE])
    )
    payments.settle(settled.pk)
    settled.refresh_from_db()
    of_bobs = ledger.post([(of_bob, -5), (savings, 5)], description="x", kind="transfer")
    undone = move(current, savings, 7)
    frozen = savings
    oversight.freeze(frozen.pk, by=oversight.Officer(officer("freezer", "freeze_account")), reason="x")
    AccountAccess.objects.create(account=savings, user=bob, role="reader")
    names = {
        "posted": posted.pk, "settled": settled.pk, "settled_hold": settled.hold_id, "pending": pending.pk,
        "pending_hold": pending.hold_id, "of_bob": of_bob.pk, "bob": bob.pk, "current": current.pk,
        "frozen": frozen.pk, "of_bobs": of_bobs.pk, "loose": move(current, of_bob, 3).pk,
        "reversal": ledger.reverse(move(current, of_bob, 9)).pk, "undone": undone.pk,
        "last": move(current, of_bob, 11).pk,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    assert [one.question for one in audit_and_record() if one.rows] == []
    return {**names, "cut": CUT.format(**names)}


def run(statements):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statements)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_what_the_owner_does_with_the_triggers_off_is_found_and_named(names):
    assert len(DAMAGES) >= 30
    for damage in DAMAGES:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL session_replication_role = replica")
                cursor.execute(damage.by.format(**names))
                assert cursor.rowcount != 0, damage.what
            found = [one.question for one in audit() if not one.is_clean]
            assert [one for one in found if one.startswith(damage.found_by)], (damage.what, found)
            transaction.set_rollback(True)
    assert [one.question for one in audit() if one.rows] == []


def test_changes_are_also_found_after_many_audits(names, current, of_bob):
    """The chain covers what is old; the file outside what its links were."""
    for _ in range(3):
        move(current, of_bob, 1)
        audit_and_record()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE ledger_entry SET counterparty_name = 'x' WHERE account_seq = 1")
        # An attacker who does this makes the chain fit, too. Then the file says that its links were others.
        cursor.execute(
            "UPDATE ledger_digest d SET digest = entries_digest(account_id, 0, seq, NULL)"
            " WHERE seq = (SELECT min(seq) FROM ledger_digest WHERE account_id = d.account_id)"
        )
        found = [one.question for one in audit() if not one.is_clean]
        transaction.set_rollback(True)
    assert [one for one in found if one.startswith(OUTSIDE)]


@pytest.mark.django_db(transaction=True)
def test_the_sites_role_is_refused_each_of_it(names):
    """By a missing right, or by a trigger at COMMIT."""
    refused = {}
    with site_role() as role, connected_as(role):
        for damage in DAMAGES:
            with pytest.raises(DatabaseError) as refusal:
                run(damage.by.format(**names))
            refused[damage.what] = refusal.value.__cause__.sqlstate
    assert set(refused.values()) <= {"42501", "23000"}, refused
    assert len(refused) == len(DAMAGES)


@pytest.mark.django_db(transaction=True)
def test_the_owner_is_refused_what_contradicts_the_ledger(names):
    """With the triggers on."""
    for damage in DAMAGES:
        if damage.found_by in (TRANSFER, HOLD, REVERSAL):
            with pytest.raises(IntegrityError):
                run(damage.by.format(**names))


@pytest.mark.parametrize("change", ["settled_at = now()", "submitted_at = now()", "status_reason = 'x'"])
def test_a_transfer_that_has_ended_stays_as_it_ended(names, change):
    """Also where it would not contradict the ledger."""
    with pytest.raises(IntegrityError, match="is final"):
        run(f"UPDATE transfer SET {change} WHERE id = '{names['settled']}'")


def test_a_reversal_that_is_not_the_opposite_is_not_sealed(current, savings, of_bob):
    paid = move(current, savings, 5)
    for entries in ([(savings, -4), (current, 4)], [(savings, -5), (of_bob, 5)], [(of_bob, -5), (current, 5)]):
        with pytest.raises(IntegrityError, match="not the opposite"), transaction.atomic():
            ledger.post(entries, description="x", kind="reversal", reverses=paid)
    undoing = ledger.reverse(paid)
    with pytest.raises(IntegrityError, match="reverses a reversal"), transaction.atomic():
        ledger.post([(savings, 5), (current, -5)], description="x", kind="reversal", reverses=undoing)


@pytest.mark.django_db(transaction=True)
def test_the_site_opens_no_account_with_an_overdraft_and_freezes_only_as_an_officer(alice, current):
    with site_role() as role, connected_as(role):
        with pytest.raises(IntegrityError, match="open at zero"), transaction.atomic():
            type(current).objects.create(
                holder=alice, kind="customer", type="current", name="x", currency="GBP", overdraft_minor=1
            )
        for who in (alice.pk, "0190d5a0-0000-7000-8000-000000000000"):
            with pytest.raises(IntegrityError, match="is no officer"), connection.cursor() as cursor:
                cursor.execute("SELECT freeze_account(%s, gen_random_uuid(), %s, 'x')", [current.pk, who])
