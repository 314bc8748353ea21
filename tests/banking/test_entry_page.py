"""The page of a history whose SQL is compiled once has the rows that the ORM reads."""

import pytest

from banking.accounts.entry_page import COLUMNS, newest_entries
from banking.accounts.merchants import with_merchant
from banking.accounts.opening import internal_account
from banking.ledger import post
from banking.models import Category, LedgerEntry, Merchant
from tests.lib.ledger import move

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(current, savings):
    Merchant.objects.create(
        counterparty="CORNER SHOP", name="Corner Shop", category=Category.values[0], category_code="5411"
    )
    move(current, savings, 100)
    clearing = internal_account("GBP", "Clearing")
    post([(current, -50), (clearing, 50)], description="Corner Shop", kind="card")
    move(savings, current, 30)
    return current


@pytest.mark.parametrize("is_fast", [True, False])
@pytest.mark.parametrize(("before", "limit"), [(None, 50), (None, 2), (3, 50), (1, 50)])
def test_it_has_the_rows_of_the_orm(paid, settings, is_fast, before, limit):
    settings.OAUTH = {**settings.OAUTH, "FAST_PATH": is_fast}
    entries = LedgerEntry.objects.filter(account_id=paid.pk)
    if before is not None:
        entries = entries.filter(account_seq__lt=before)
    expected = with_merchant(entries).order_by("-account_seq").values(*COLUMNS)[:limit]
    assert newest_entries(paid.pk, before=before, limit=limit) == list(expected)


def test_a_merchant_is_read_with_it(paid):
    assert [row["merchant"] and row["merchant"]["name"] for row in newest_entries(paid.pk, before=None, limit=2)] == [
        None, "Corner Shop",
    ]  # fmt: skip
