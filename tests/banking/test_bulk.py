"""Importing history: many postings in one call, which must meet all rules for a single posting."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from banking import ledger
from banking.accounts.opening import internal_account
from banking.ledger.bulk import Posting, post_all
from banking.ledger.refusals import AccountNotOpen, AmountOutOfRange, CurrencyMismatch, InsufficientFunds, SameAccount
from banking.models import Account, LedgerEntry, LedgerTransaction
from tests.lib.ledger import FUNDS_MINOR, funded
from tests.lib.threads import in_parallel

pytestmark = pytest.mark.django_db

AT = datetime(2025, 1, 1, 12, tzinfo=UTC)


def posting(source, destination, amount_minor=100, at=AT) -> Posting:
    return Posting(source.pk, destination.pk, amount_minor, "Rent", "transfer", at)


def test_entries_are_numbered_and_named_as_single_ones_are(current, of_bob):
    ids = post_all([posting(current, of_bob, 100), posting(of_bob, current, 30, at=AT + timedelta(hours=1))])
    assert ids == sorted(ids)
    single = ledger.post([(current, -1), (of_bob, 1)], description="Rent", kind="transfer", created_at=AT)
    rows = list(
        current.entries.order_by("account_seq").values_list("account_seq", "amount_minor", "balance_after_minor")
    )
    assert rows[1:] == [(2, -100, 9_900), (3, 30, 9_930), (4, -1, 9_929)]
    names = ("account", "counterparty_name", "counterparty_iban", "currency", "transaction__kind", "booked_at")
    in_bulk = LedgerEntry.objects.filter(transaction=ids[0]).order_by("account").values_list(*names)
    assert list(in_bulk) == list(single.entries.order_by("account").values_list(*names))
    assert all(finding.is_clean for finding in ledger.audit())


@pytest.mark.parametrize(
    ("damage", "refusal"),
    [
        (lambda current, of_bob: posting(current, of_bob, FUNDS_MINOR), InsufficientFunds),
        (lambda current, of_bob: posting(current, current), SameAccount),
        (lambda current, of_bob: posting(current, of_bob, 0), AmountOutOfRange),
        (lambda current, of_bob: posting(current, internal_account("EUR", "Clearing")), CurrencyMismatch),
    ],
)
def test_one_refused_posting_rolls_all_back(current, of_bob, damage, refusal):
    before = LedgerTransaction.objects.count()
    with pytest.raises(refusal):
        post_all([posting(current, of_bob), damage(current, of_bob), posting(current, of_bob)])
    assert LedgerTransaction.objects.count() == before
    current.refresh_from_db()
    assert current.posted_minor == FUNDS_MINOR


def test_a_frozen_account_pays_nothing(current, of_bob):
    Account.objects.filter(pk=current.pk).update(status="frozen")
    post_all([posting(of_bob, current)])
    with pytest.raises(AccountNotOpen):
        post_all([posting(current, of_bob)])


def test_thousands_take_a_handful_of_statements(current, of_bob, django_assert_max_num_queries):
    postings = [posting(*pair, 1) for _ in range(500) for pair in ((current, of_bob), (of_bob, current))]
    with django_assert_max_num_queries(8):
        post_all(postings)
    assert all(finding.is_clean for finding in ledger.audit())


@pytest.mark.django_db(transaction=True)
def test_beside_single_payments_nothing_deadlocks(alice, bob):
    one, other, bank = funded(alice, "One"), funded(bob, "Other"), internal_account("GBP", "Clearing")

    def in_bulk():
        return post_all([posting(*pair, 1) for _ in range(20) for pair in ((one, other), (other, bank), (bank, one))])

    def singly():
        for _ in range(20):
            ledger.post([(other, -1), (one, 1)], description="x", kind="transfer")
            ledger.post([(bank, -1), (one, 1)], description="x", kind="transfer")

    results = in_parallel(in_bulk, singly, in_bulk, singly)
    assert not [result for result in results if isinstance(result, Exception)]
    assert all(finding.is_clean for finding in ledger.audit())
    assert connection.is_usable()
