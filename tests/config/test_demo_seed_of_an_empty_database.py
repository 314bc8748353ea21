"""`manage.py demo_seed` in a database without the demo. This is a separate module, because the tests of
test_demo_seed.py share a transaction.
"""

from datetime import UTC, datetime
from functools import partial

import pytest
from django.core.management import CommandError
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from banking import ledger
from banking.accounts.opening import open_account
from banking.models import Account, LedgerEntry
from demo.seed import scale
from oauth.models import RefreshToken
from tests.lib.threads import in_parallel

pytestmark = pytest.mark.django_db


def test_the_same_day_gives_the_same_history(seed, time_machine):
    """A second run in an empty database gives the same data except the ids."""
    columns = ("account__iban", "account_seq", "amount_minor", "balance_after_minor", "booked_at",
               "counterparty_name", "counterparty_iban", "transaction__description", "transaction__kind")  # fmt: skip

    def seeded() -> list:
        with transaction.atomic():
            seed()
            entries = LedgerEntry.objects.order_by("account__iban", "account__name", "currency", "account_seq")
            rows = list(entries.values_list(*columns))
            transaction.set_rollback(True)
        return rows

    time_machine.move_to(datetime(2026, 5, 31, 12, tzinfo=UTC), tick=False)
    first, second = seeded(), seeded()
    assert len(first) > 5_000
    assert first == second


def test_somebody_who_was_there_before_keeps_their_accounts(seed):
    """The demo was seeded on an earlier day, and Bob has since opened an account himself."""
    bob = User.objects.create_user("bob@demo.test", "a password for this test")
    account = open_account(bob, name="Mine", currency="GBP")
    seed()
    assert list(Account.objects.filter(holder=bob)) == [account]
    assert Account.objects.filter(holder__email="alice@demo.test").count() == 3
    assert not LedgerEntry.objects.filter(account=account).exists()
    assert all(finding.is_clean for finding in ledger.audit())


def test_it_refuses_in_production(seed, settings):
    settings.MODE = "production"
    with pytest.raises(CommandError, match="needs MODE=demo"):
        seed()
    assert not User.objects.exists()


@pytest.mark.parametrize("value", [0, -1, 11])
def test_a_scale_that_makes_no_sense_is_refused(seed, value):
    with pytest.raises(CommandError, match="above 0"):
        seed(scale=value)


@pytest.mark.django_db(transaction=True)
def test_two_that_scale_at_once_make_it_once():
    works = [partial(scale.seed, of, password="x", now=timezone.now(), say=lambda text: None) for of in (0.002, 0.001)]
    results = in_parallel(*works)
    assert sum(results) == 2
    assert User.objects.count() == RefreshToken.objects.count() == 2000
    assert Account.objects.exclude(holder=None).count() == 20
