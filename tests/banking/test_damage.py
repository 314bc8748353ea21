"""Damage to tables around the ledger: the database refuses it to the site's role. If the owner of the tables does it
with the triggers off, the next audit finds and names it.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from banking import direct_debits, ledger, oversight, payments
from banking.accounts.opening import internal_account, open_account
from banking.end_of_day.trial_balance import store_trial_balance
from banking.ledger import checkpoint, digests
from banking.ledger.audit import audit, audit_and_record, last_checkpoint
from banking.models import (
    AccountAccess,
    AccountCharge,
    BankDay,
    DayStep,
    InterestAccrual,
    LedgerAudit,
    Product,
    SchemeMessage,
    SettlementDifference,
    Transfer,
)
from banking.notation import bank_day
from banking.payments.scheme import IncomingCollection, IncomingPayment, IncomingReturn, NewMandate
from oauth.keys import ring, rotation
from oauth.models import SigningKey
from tests.banking.test_reconciliation import camt, entry, ids
from tests.lib.database import connected_as, site_role
from tests.lib.exchanges import exchanged, set_rate
from tests.lib.ledger import move
from tests.lib.other_banks import OtherBanks
from tests.lib.staff import officer
from tests.lib.transfers import ELSEWHERE, KEY, body_of, send

pytestmark = pytest.mark.django_db
TRANSFER, HOLD, DIGEST = "Each transfer equals", "Each captured hold", "Each entry, its transaction"
STATE, ACCESS, REVERSAL, TWO = "Each account's state", "Each access", "Each reversal", "Each overdraft that an officer"
RECORD, DAY, DIFFERENCE = "Records that were decided", "Each bank day", "Each difference"
MESSAGE, TRIAL, CHARGE = "Each message of the payment scheme", "Each trial balance", "Each charge is booked"
BALANCE, GAP, SEALED, MONTH, OUTSIDE = (
    "Each balance", "Each account's entries", "Each transaction is sealed", "Entries are booked", "The digests equal",
)  # fmt: skip
MANDATE, REFUND = "The collections of each mandate", "Each refund of a direct debit"
EXCHANGE = "Each exchange is booked"
SUM, SIGNED = "The entries of each currency", "Each digest that was stored"


@dataclass(frozen=True)
class Damage:
    """`by` are the statements that do the damage; `found_by` is the beginning of the audit's statement that they make
    false.
    """

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
    Damage("an access is taken away", ACCESS, "DELETE FROM account_access WHERE role = 'reader'"),
    Damage("an account is closed", STATE, "UPDATE bank_account SET status = 'closed' WHERE id = '{empty}'"),
    Damage("an account becomes dormant", STATE, "UPDATE bank_account SET dormant_since = now() WHERE id = '{current}'"),
    Damage("an approved overdraft was a smaller one", TWO, "UPDATE account_change SET overdraft_minor = 1 WHERE id = '{change}'"),
    Damage("an approved overdraft was declined", TWO, "UPDATE account_change SET status = 'declined' WHERE id = '{change}'"),
    Damage("an approval is gone", TWO, "DELETE FROM account_change WHERE id = '{change}'"),
    Damage("an act forgets its approval", TWO, "UPDATE account_act SET change_id = NULL WHERE change_id = '{change}'"),
    Damage("an approved act is gone", TWO, "DELETE FROM account_act WHERE change_id = '{change}'"),
    Damage("an officer gave access alone", TWO, "INSERT INTO account_act (account_id, status, user_id, role, officer_id, reason, database_user, at) VALUES ('{current}', '', '{bob}', 'holder', '{bob}', 'x', 'x', now())"),
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
    Damage("an incoming payment was for another account", MESSAGE, "UPDATE scheme_message SET account_id = '{of_bob}' WHERE id = '{paid_in}'"),
    Damage("an incoming payment had another amount", MESSAGE, "UPDATE scheme_message SET amount_minor = 1 WHERE id = '{paid_in}'"),
    Damage("an incoming payment went to suspense and back", MESSAGE, "UPDATE scheme_message SET status = 'given_back', account_id = NULL, given_back_by_id = '{reversal}' WHERE id = '{paid_in}'"),
    Damage("an incoming payment is forgotten, so that it can come again", MESSAGE, "DELETE FROM scheme_message WHERE id = '{paid_in}'"),
    Damage("a collection was from another account", MESSAGE, "UPDATE scheme_message SET account_id = '{of_bob}' WHERE id = '{collection}'"),
    Damage("a collection was of another amount", MESSAGE, "UPDATE scheme_message SET amount_minor = 1 WHERE id = '{collection}'"),
    Damage("a collection was refused", MESSAGE, "UPDATE scheme_message SET status = 'refused' WHERE id = '{collection}'"),
    Damage("a collection is forgotten, so that it can come again", MANDATE, "DELETE FROM scheme_message WHERE id = '{collection}'"),
    Damage("a collection was by another mandate", MANDATE, "UPDATE scheme_message SET mandate_id = '{unused_mandate}' WHERE id = '{collection}'"),
    Damage("a mandate is of another account", MESSAGE, "UPDATE mandate SET account_id = '{of_bob}' WHERE id = '{ended_mandate}'"),
    Damage("a mandate was cancelled before it was collected", MESSAGE, "UPDATE mandate SET cancelled_at = '2020-01-01' WHERE id = '{ended_mandate}'"),
    Damage("a mandate for once was collected twice", MESSAGE, "UPDATE mandate SET sequence = 'one_off' WHERE id = '{ended_mandate}'"),
    Damage("a mandate was never collected", MANDATE, "UPDATE mandate SET collected = 0 WHERE id = '{ended_mandate}'"),
    Damage("a cancelled mandate is active again", RECORD, "UPDATE mandate SET status = 'active', cancelled_at = NULL WHERE id = '{ended_mandate}'"),
    Damage("a refund was of another collection", REFUND, "UPDATE direct_debit_refund SET collection_id = '{collection}' WHERE id = '{refund}'"),
    Damage("a refund was another transaction", REFUND, "UPDATE direct_debit_refund SET transaction_id = '{loose}' WHERE id = '{refund}'"),
    Damage("a refund is forgotten, so that it can be asked for again", REFUND, "DELETE FROM direct_debit_refund WHERE id = '{refund}'"),
    Damage("a refund was asked for by somebody else", RECORD, "UPDATE direct_debit_refund SET user_id = '{bob}' WHERE id = '{refund}'"),
    Damage("less was collected last", MANDATE, "UPDATE mandate SET last_minor = 1 WHERE id = '{ended_mandate}'"),
    Damage("a settled transfer has come back without its money", TRANSFER, "UPDATE transfer SET status = 'returned' WHERE id = '{settled}'"),
    Damage("a returned transfer never came back", MESSAGE, "UPDATE transfer SET status = 'posted' WHERE id = '{returned}'"),
    Damage("a trial balance has another line", TRIAL, "UPDATE trial_balance_line SET credit_minor = credit_minor + 5 WHERE account_id IS NOT NULL"),
    Damage("interest had another amount", CHARGE, "UPDATE account_charge SET amount_minor = 8 WHERE id = '{charge}'"),
    Damage("interest was another transaction", CHARGE, "UPDATE account_charge SET transaction_id = '{loose}' WHERE id = '{charge}'"),
    Damage("the interest of a day is raised", CHARGE, "UPDATE interest_accrual SET earned_units = earned_units + 1 WHERE account_id = '{current}'"),
    Damage("the interest of a day is gone", CHARGE, "DELETE FROM interest_accrual WHERE account_id = '{current}'"),
    Damage("the interest of a day that is not charged yet is gone", RECORD, "DELETE FROM interest_accrual WHERE day = '{yesterday}'"),
    Damage("the interest of a day that is not charged yet is raised", RECORD, "UPDATE interest_accrual SET earned_units = earned_units + 1 WHERE day = '{yesterday}'"),
    Damage("a closed day is open again", RECORD, "UPDATE bank_day SET status = 'open', closed_at = NULL WHERE day = '{yesterday}'"),
    Damage("a closed day ended earlier", RECORD, "UPDATE bank_day SET ends_at = ends_at - interval '1 second' WHERE day = '{yesterday}'"),
    Damage("a closed day was closed earlier", RECORD, "UPDATE bank_day SET closed_at = closed_at - interval '1 second' WHERE day = '{yesterday}'"),
    Damage("a closed day is gone", RECORD, "DELETE FROM trial_balance_line; DELETE FROM bank_day_step; DELETE FROM bank_day WHERE day = '{yesterday}'"),
    Damage("a step of a closed day is not done", DAY, "UPDATE bank_day_step SET done_at = NULL WHERE day_id = '{yesterday}'"),
    Damage("a step of a closed day says something else", RECORD, "UPDATE bank_day_step SET result = 'x' WHERE day_id = '{yesterday}'"),
    Damage("a day ahead is closed, so that those before it are skipped", DAY, "INSERT INTO bank_day (day, ends_at, status, opened_at, closed_at) VALUES ('{yesterday}'::date + 9, now(), 'closed', now(), now())"),
    Damage("a trial balance is gone", RECORD, "DELETE FROM trial_balance_line"),
    Damage("a trial balance names another account", RECORD, "UPDATE trial_balance_line SET name = 'x'"),
    Damage("a difference to a settlement file was never moved", RECORD, "UPDATE settlement_difference SET status = 'open', asked_by_id = NULL, decided_by_id = NULL, decided_at = NULL, transaction_id = NULL WHERE id = '{moved}'"),
    Damage("a difference was moved by another officer", RECORD, "UPDATE settlement_difference SET decided_by_id = '{bob}' WHERE id = '{moved}'"),
    Damage("a difference was another amount", DIFFERENCE, "UPDATE settlement_difference SET file_minor = file_minor + 1 WHERE id = '{moved}'"),
    Damage("a difference was moved by another transaction", DIFFERENCE, "UPDATE settlement_difference SET transaction_id = '{loose}' WHERE id = '{moved}'"),
    Damage("an open difference is settled without a file", DIFFERENCE, "UPDATE settlement_difference SET status = 'settled' WHERE id = '{difference}'"),
    Damage("an open difference is of another amount", RECORD, "UPDATE settlement_difference SET our_minor = 1 WHERE id = '{difference}'"),
    Damage("an open difference is gone", RECORD, "DELETE FROM settlement_difference WHERE id = '{difference}'"),
    Damage("a difference of a file is gone", DIFFERENCE, "DELETE FROM settlement_difference WHERE id = '{moved}'"),
    Damage("a settlement file matched more", DIFFERENCE, "UPDATE settlement_file SET matched = matched + 1"),
    Damage("a settlement file is another one", RECORD, "UPDATE settlement_file SET digest = 'x'"),
    Damage("a settlement file is forgotten, so that it can be read again", RECORD, "DELETE FROM settlement_match; DELETE FROM settlement_difference; DELETE FROM settlement_file"),
    Damage("an entry was never matched, so that another file can have it", RECORD, "DELETE FROM settlement_match"),
    Damage("a product pays more", RECORD, "UPDATE product SET credit_interest_rate = 99"),
    Damage("a decided reversal was declined", RECORD, "UPDATE reversal_request SET status = 'declined', reversal_id = NULL WHERE id = '{asked}'"),
    Damage("a reversal was asked for by somebody else", RECORD, "UPDATE reversal_request SET requested_by_id = '{bob}' WHERE id = '{asked}'"),
    Damage("a freeze that has ended had another reason", RECORD, "UPDATE account_freeze SET reason = 'y' WHERE unfrozen_by_id IS NOT NULL"),
    Damage("an exchange bought more", EXCHANGE, "UPDATE exchange_quote SET buy_minor = buy_minor + 1 WHERE id = '{quote}'"),
    Damage("an exchange sold less", EXCHANGE, "UPDATE exchange_quote SET sell_minor = sell_minor - 1 WHERE id = '{quote}'"),
    Damage("an exchange had another rate", EXCHANGE, "UPDATE exchange_quote SET rate = rate + 0.01 WHERE id = '{quote}'"),
    Damage("the bank had another rate", EXCHANGE, "UPDATE exchange_rate SET mid = 2 WHERE id = '{rate}'"),
    Damage("the bank had another spread", EXCHANGE, "UPDATE exchange_rate SET spread_percent = 0 WHERE id = '{rate}'"),
    Damage("a rate was for another reason", RECORD, "UPDATE exchange_rate SET reason = 'y' WHERE id = '{rate}'"),
    Damage("a rate was not valid yet", EXCHANGE, "UPDATE exchange_rate SET valid_from = now() + interval '1 day' WHERE id = '{rate}'"),
    Damage("a rate was declined", EXCHANGE, "UPDATE exchange_rate SET status = 'declined', requested_by_id = '{bob}', decided_by_id = '{current}' WHERE id = '{rate}'"),
    Damage("an exchange was after the quote expired", EXCHANGE, "UPDATE exchange SET created_at = created_at + interval '1 hour' WHERE id = '{exchange}'"),
    Damage("an exchange came from another account", EXCHANGE, "UPDATE exchange_quote SET source_id = '{of_bob}' WHERE id = '{quote}'"),
    Damage("an exchange went to another account", EXCHANGE, "UPDATE exchange_quote SET destination_id = '{of_bob}' WHERE id = '{quote}'"),
    Damage("an exchange was by somebody else", EXCHANGE, "UPDATE exchange SET user_id = '{bob}' WHERE id = '{exchange}'"),
    Damage("what was sold is another transaction", EXCHANGE, "UPDATE exchange SET sold_id = '{loose}' WHERE id = '{exchange}'"),
    Damage("what was bought is another transaction", EXCHANGE, "UPDATE exchange SET bought_id = '{loose}' WHERE id = '{exchange}'"),
    Damage("a half forgets its exchange", EXCHANGE, "UPDATE ledger_transaction SET exchange_id = NULL WHERE id = '{sold}'"),
    Damage("a transaction becomes half of an exchange", EXCHANGE, "UPDATE ledger_transaction SET exchange_id = '{exchange}' WHERE id = '{loose}'"),
    Damage("a half is reversed", EXCHANGE, "UPDATE ledger_transaction SET reverses_id = '{sold}' WHERE id = '{loose}'"),
    Damage("a half moved more on both sides", EXCHANGE, "UPDATE ledger_entry SET amount_minor = amount_minor * 2 WHERE transaction_id = '{sold}'"),
    Damage("an exchange is gone", EXCHANGE, "DELETE FROM exchange WHERE id = '{exchange}'"),
    Damage("the quote of an exchange is gone", EXCHANGE, "DELETE FROM exchange_quote WHERE id = '{quote}'"),
    Damage("a digest of a record is made to fit", OUTSIDE, "UPDATE record_digest SET digest = '\\x00' WHERE kind = 'product'"),
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
    """Creates a bank with a row of each kind that is damaged below, and audits it once. Returns the names of the
    rows.
    """
    settings.LEDGER_DIGEST_FILE = str(tmp_path / "digests")
    monkeypatch.setattr("banking.payments.scheme.configured_scheme", OtherBanks)
    posted, settled, pending, returned = (
        Transfer.objects.get(pk=send(alice_api, body_of(current, to, 100), f"{KEY}-{number}").json()["id"])
        for number, to in enumerate([savings, ELSEWHERE, ELSEWHERE, ELSEWHERE])
    )
    payments.settle(settled.pk)
    settled.refresh_from_db()
    payments.settle(returned.pk)
    payments.receive_return(IncomingReturn("return-1", returned.pk.hex, 100, "GBP", "AC04"))
    paid_in = payments.receive_payment(IncomingPayment("payment-1", 250, "GBP", current.iban, "D", "", "x"))
    lodged = [
        direct_debits.receive_mandate(NewMandate("creditor", reference, "C", "", current.iban)) for reference in "ab"
    ]
    for number in (1, 2):
        collection = direct_debits.receive_collection(IncomingCollection(f"c-{number}", "creditor", "a", 30, "GBP"))
        if number == 1:
            asked_by = {"user_id": alice.pk, "client_id": "x", "is_proven": True}
            among = SchemeMessage.objects.all()
            with transaction.atomic():
                refund = direct_debits.ask_for_refund(collection.pk, "disputed", among=among, **asked_by)
            direct_debits.claim_refund(refund.pk)
    direct_debits.receive_cancellation("creditor", "a")
    yesterday = bank_day.today() - timedelta(days=1)
    day = BankDay.objects.create(day=yesterday, ends_at=bank_day.ends_at(yesterday), status="closing")
    store_trial_balance(day)
    InterestAccrual.objects.create(account=of_bob, day=yesterday, balance_minor=1, earned_units=7, owed_units=0)
    for step in DayStep.Name.values:
        DayStep.objects.create(day=day, name=step, done_at=timezone.now(), result="done")
    BankDay.objects.update(status="closed", closed_at=timezone.now())
    october = date(2026, 10, 1)
    InterestAccrual.objects.create(
        account=current, day=october, balance_minor=1, earned_units=7 * InterestAccrual.UNITS, owed_units=0
    )
    charge = AccountCharge.objects.create(
        account=current, month=october, kind="interest", amount_minor=7, status="posted",
        transaction=move(internal_account("GBP", "Interest expense"), current, 7),
    )  # fmt: skip
    Product.objects.create(name="P", kind="current", currency="GBP", credit_interest_rate=1)
    first, second = (
        oversight.Officer(officer(name, "ask_settlementdifference", "request_reversal")) for name in ("first", "second")
    )
    oversight.read_settlement_file(
        camt(entry("1.00", refs=ids(ours=settled.pk.hex)), entry("9.99", "CRDT", ids("?")), message_id="F1"), by=first
    )
    moved = SettlementDifference.objects.get(kind="missing_here")
    oversight.ask_to_move(moved.pk, by=first, reason="x")
    oversight.move_to_suspense(moved.pk, by=second)
    difference = SettlementDifference.objects.filter(kind="missing_there").earliest("pk")
    oversight.freeze(of_bob.pk, by=first, reason="x")
    oversight.unfreeze(of_bob.pk, by=second, reason="x")
    reversal = oversight.request_reversal(move(current, of_bob, 2).pk, by=first, reason="x")
    oversight.approve_reversal(reversal.pk, by=second)
    of_bobs = ledger.post([(of_bob, -5), (savings, 5)], description="x", kind="transfer")
    undone = move(current, savings, 7)
    frozen = savings
    oversight.freeze(frozen.pk, by=oversight.Officer(officer("freezer", "freeze_account")), reason="x")
    AccountAccess.objects.create(account=savings, user=bob, role="reader")
    asked = oversight.request_overdraft(
        of_bob.pk, 700, by=oversight.Officer(officer("asker", "request_accountchange")), reason="x"
    )
    oversight.approve_change(asked.pk, by=oversight.Officer(officer("approver")))
    rate = set_rate()
    swapped = exchanged(alice, current, open_account(alice, name="Euros", currency="EUR"), 10)
    names = {
        "rate": rate.pk, "exchange": swapped.pk, "quote": swapped.quote_id, "sold": swapped.sold_id,
        "refund": refund.pk, "collection": collection.pk, "ended_mandate": lodged[0].pk, "unused_mandate": lodged[1].pk,
        "change": asked.pk, "yesterday": yesterday, "moved": moved.pk, "difference": difference.pk, "asked": reversal.pk, "empty": open_account(alice, name="Empty", currency="GBP").pk,
        "charge": charge.pk, "posted": posted.pk, "paid_in": paid_in.pk, "returned": returned.pk, "settled": settled.pk, "settled_hold": settled.hold_id, "pending": pending.pk,
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


def test_damage_by_the_owner_without_triggers_is_found_and_named(names):
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


@pytest.fixture(
    params=[False, pytest.param(True, marks=pytest.mark.exhaustive)], ids=["quiet", "beside-a-long-transaction"]
)
def long_transaction(request, transactional_db):
    """While this transaction is open, PostgreSQL does not report any later one as ended, so the checkpoint stays below
    it.
    """
    beside = connection.copy()
    beside.set_autocommit(False)
    if request.param:
        with beside.cursor() as cursor:
            cursor.execute("SET idle_in_transaction_session_timeout = 0; SELECT pg_current_xact_id()")
    yield
    beside.rollback()
    beside.close()


def test_an_audit_of_what_is_new_sees_that_something_old_has_changed(
    long_transaction, names, settings, current, of_bob
):
    """Each damage is found and named by the next run, although that run checks only new rows: either it becomes an
    audit of the whole ledger, or the changed row counts as new.
    """
    audit_and_record()
    move(current, of_bob, 1)
    audit_and_record()
    assert not LedgerAudit.objects.latest("pk").is_whole
    outside = Path(settings.LEDGER_DIGEST_FILE).read_text()
    for damage in DAMAGES:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL session_replication_role = replica")
                cursor.execute(damage.by.format(**names))
            found = [one.question for one in audit_and_record() if not one.is_clean]
            assert [one for one in found if one.startswith(damage.found_by)], (damage.what, found)
            assert LedgerAudit.objects.latest("pk").checkpoint == ""
            transaction.set_rollback(True)
        Path(settings.LEDGER_DIGEST_FILE).write_text(outside)
    assert [one.question for one in audit_and_record() if one.rows] == []
    assert not LedgerAudit.objects.latest("pk").is_whole


@pytest.mark.django_db(transaction=True)
def test_what_has_changed_above_the_checkpoint_is_found_in_the_whole_ledger_and_in_what_is_new(names, current, of_bob):
    audit_and_record()
    move(current, of_bob, 1)
    since = last_checkpoint()
    assert since is not None
    for statement, found_by in (
        ("UPDATE ledger_entry SET balance_after_minor = 7 WHERE account_seq = 1", BALANCE),
        ("UPDATE ledger_entry SET account_seq = account_seq + 1000 WHERE account_seq > 1", GAP),
        ("UPDATE ledger_entry SET booked_at = '2020-01-01' WHERE account_seq > 1", MONTH),
        ("UPDATE ledger_transaction SET description = 'y' WHERE description = 'Opening'", DIGEST),
        ("UPDATE ledger_transaction SET reverses_id = '{sold}' WHERE id = '{loose}'", EXCHANGE),
    ):
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL session_replication_role = replica")
                cursor.execute(statement.format(**names))
            for whole_or_new in (None, since):
                found = [one.question for one in audit(whole_or_new) if not one.is_clean]
                assert [one for one in found if one.startswith(found_by)], (statement, whole_or_new, found)
            transaction.set_rollback(True)
    assert [one.question for one in audit(since) if one.rows] == []


def test_a_checkpoint_is_ours_recent_and_of_this_database(names):
    last = last_checkpoint()
    assert last is not None
    with connection.cursor() as cursor:
        mark, first = checkpoint.take(last, cursor), checkpoint.take(None, cursor)
    assert mark.extends(last)
    forged = LedgerAudit.objects.latest("pk").checkpoint[:-1] + "x"
    assert checkpoint.verified(forged) is None
    assert not first.extends(checkpoint.Checkpoint(last.xid, "another", *_rest(last)))
    assert not mark.extends(checkpoint.Checkpoint(mark.next_xid + 1, last.cluster, *_rest(last)))
    with time_machine.travel(timezone.now() + checkpoint.WHOLE_EVERY):
        assert not mark.extends(last)


def _rest(last):
    return last.counts, last.whole_at, last.run


def test_lines_outside_must_be_signed_by_a_key_of_ours_which_may_have_retired(names, settings, current, of_bob):
    path = Path(settings.LEDGER_DIGEST_FILE)
    rotation.rotate("ES256")
    with time_machine.travel(timezone.now() + timedelta(days=500)):
        ring.forget()
        SigningKey.objects.filter(retired_at__lt=timezone.now()).update(private_key_encrypted=b"")
        move(current, of_bob, 1)
        assert [one.question for one in audit_and_record() if one.rows] == []
        lines = path.read_text().splitlines()
        assert len(lines) == 2
        long_ago = lines[0].rpartition(" ")[0].replace('"at": "2', '"at": "1')
        for changed in (
            lines[0].replace('"links": ', '"links": 1'),
            lines[0].rpartition(" ")[0] + " " + lines[1].rpartition(" ")[2],
            lines[0].rpartition(" ")[0] + " x",
            "not a line",
            lines[0].replace('"at": "2', '"at": "1'),
            # there was no key at that time
            f"{long_ago} {import_string(settings.LEDGER_SIGNER)(long_ago.encode(), typ=digests.TYP)}",
        ):
            path.write_text(f"{changed}\n{lines[1]}\n")
            assert [one.question for one in audit() if one.question.startswith(SIGNED) and one.rows], changed
    ring.forget()


def test_a_line_that_is_missing_outside_is_written_again_and_one_of_somebody_else_is_not(
    names, settings, current, of_bob
):
    path = Path(settings.LEDGER_DIGEST_FILE)
    before = path.read_text()
    move(current, of_bob, 1)
    audit_and_record()
    both = path.read_text()
    path.write_text(before)  # the process died after COMMIT
    assert [one.question for one in audit_and_record() if one.rows] == []
    assert path.read_text() == both
    path.write_text(before)
    LedgerAudit.objects.filter(digest__gt="").update(digest='{"run": 2, "digest": "00", "at": "2026-01-01"} x:y')
    assert [one.question for one in audit_and_record() if one.rows and one.question.startswith(OUTSIDE)]
    assert path.read_text() == before


def test_a_run_of_another_machine_during_an_audit_is_no_contradiction(
    names, settings, tmp_path, monkeypatch, current, of_bob
):
    """Each machine has a file of its own. Another machine commits a run before this one compares, and another run after
    it has read its file."""
    own, of_the_other, read = settings.LEDGER_DIGEST_FILE, tmp_path / "of the other machine", digests._lines

    def the_other_audits():
        settings.LEDGER_DIGEST_FILE = str(of_the_other)
        move(current, of_bob, 1)
        audit_and_record()
        settings.LEDGER_DIGEST_FILE = own

    def read_and_let_the_other_audit(path):
        lines = read(path)
        monkeypatch.setattr(digests, "_lines", read)
        the_other_audits()
        return lines

    the_other_audits()
    monkeypatch.setattr(digests, "_lines", read_and_let_the_other_audit)
    assert list(digests.contradicted()) == []
    assert [len(Path(file).read_text().splitlines()) for file in (own, of_the_other)] == [2, 3]
    assert [one.question for one in audit_and_record() if one.rows] == []
    assert Path(own).read_text() == of_the_other.read_text()


def test_changes_are_also_found_after_many_audits(names, current, of_bob):
    """The chain of digests covers old rows, and the file outside of the database has the original digests."""
    for _ in range(3):
        move(current, of_bob, 1)
        audit_and_record()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE ledger_entry SET counterparty_name = 'x' WHERE account_seq = 1")
        # An attacker who does this also rewrites the chain. Then the digests in the file differ from it.
        cursor.execute(
            "UPDATE ledger_digest d SET digest = entries_digest(account_id, 0, seq, NULL)"
            " WHERE seq = (SELECT min(seq) FROM ledger_digest WHERE account_id = d.account_id)"
        )
        found = [one.question for one in audit() if not one.is_clean]
        transaction.set_rollback(True)
    assert [one for one in found if one.startswith(OUTSIDE)]


@pytest.mark.django_db(transaction=True)
def test_the_sites_role_cannot_do_any_of_the_damage(names):
    """A missing right, a trigger at COMMIT, or a foreign key refuses it."""
    refused = {}
    with site_role() as role, connected_as(role):
        for damage in DAMAGES:
            with pytest.raises(DatabaseError) as refusal:
                run(damage.by.format(**names))
            refused[damage.what] = refusal.value.__cause__.sqlstate
    # PostgreSQL 18 has its own code (23001) for a foreign key with RESTRICT.
    assert set(refused.values()) <= {"42501", "23000", "23001", "23503"}, refused
    assert len(refused) == len(DAMAGES)


@pytest.mark.django_db(transaction=True)
def test_the_owner_is_refused_what_contradicts_the_ledger(names):
    """The triggers are on in this test."""
    for damage in DAMAGES:
        if damage.found_by in (TRANSFER, HOLD, REVERSAL, MESSAGE, MANDATE, REFUND, DAY, DIFFERENCE):
            with pytest.raises(IntegrityError):
                run(damage.by.format(**names))


@pytest.mark.parametrize("change", ["settled_at = now()", "submitted_at = now()", "status_reason = 'x'"])
def test_a_transfer_that_has_ended_stays_as_it_ended(names, change):
    """This is true even if the change would not contradict the ledger."""
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
