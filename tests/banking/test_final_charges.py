"""An account that closes has its interest until the day before, and leaves nothing owed."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import transaction

from banking import oversight
from banking.account_life.closing import close
from banking.account_life.functions import call
from banking.account_life.refusals import NotClosable, OtherAccountNeeded
from banking.accounts.months import Month
from banking.accounts.opening import internal_account, open_account
from banking.end_of_day import final_charges
from banking.end_of_day.charges import charge_some
from banking.end_of_day.interest import accrue_some
from banking.ledger import audit
from banking.models import Account, AccountCharge, BankDay, InterestAccrual, LedgerTransaction
from banking.notation import bank_day, iban
from tests.lib.bank_days import at, clearing_account, close_until, keys_since_long, opened, pay
from tests.lib.beside import Beside
from tests.lib.login import logged_in
from tests.lib.staff import officer

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2026, 10, 28), date(2026, 10, 31)


@pytest.fixture(autouse=True)
def old_keys(db):
    keys_since_long()


@pytest.fixture
def clearing():
    return clearing_account()


def balance(account):
    return Account.objects.get(pk=account.pk).posted_minor


def earning(alice, clearing, until=date(2026, 10, 29), **terms):
    """At 3.65 %, 1,000.00 earn 0.10 a day. The money is there from the 28th until noon of the 30th."""
    account = opened(alice, "Earning", credit_interest_rate=Decimal("3.65"), **terms)
    pay(clearing, account, 100_000, at(FIRST))
    close_until(FIRST)
    if until > FIRST:
        close_until(until)
    pay(account, clearing, 100_000, at(date(2026, 10, 30)))
    return account


def charges_of(account):
    return sorted(AccountCharge.objects.filter(account=account).values_list("kind", "month", "amount_minor", "status"))


@pytest.mark.parametrize("closed_until", [FIRST, date(2026, 10, 29)], ids=["a-day-behind", "up-to-date"])
def test_interest_until_the_day_before_goes_to_another_account(alice, clearing, closed_until):
    """This includes days that the bank has not closed yet. When these days and the month are closed later, nothing is
    added.
    """
    account, other = earning(alice, clearing, closed_until), opened(alice, "Other")
    with time_machine.travel(at(date(2026, 10, 30), 15)):
        assert final_charges(account).amount_minor == 20
        with pytest.raises(OtherAccountNeeded, match=r"0\.20"):
            close(account.pk, by=alice.pk, is_proven=True)
        close(account.pk, by=alice.pk, is_proven=True, other_id=other.pk)
    assert (balance(account), balance(other)) == (0, 20)
    assert Account.objects.get(pk=account.pk).status == "closed"
    assert charges_of(account) == [("interest", date(2026, 10, 1), 20, "posted")]
    close_until(LAST)
    assert charges_of(account) == [("interest", date(2026, 10, 1), 20, "posted")]
    assert (balance(account), balance(other)) == (0, 20)
    assert InterestAccrual.objects.filter(account=account).count() == 2
    assert [one.question for one in audit() if one.rows] == []


@pytest.mark.django_db(transaction=True)
def test_an_account_closes_while_the_step_of_the_night_stores_its_interest(alice, clearing):
    account, other = earning(alice, clearing, FIRST), opened(alice, "Other")
    with time_machine.travel(at(date(2026, 10, 30), 15)):
        closing = Beside(lambda: close(account.pk, by=alice.pk, is_proven=True, other_id=other.pk))
        with transaction.atomic():
            day = date(2026, 10, 29)
            assert accrue_some(BankDay(day=day, ends_at=bank_day.ends_at(day)), None)[1].startswith("1 account")
            closing.start_and_wait()
            assert closing.is_alive(), "it waits for the step"
        closing.join()
    assert closing.results == [None]
    assert (balance(account), balance(other)) == (0, 20)
    assert InterestAccrual.objects.filter(account=account).count() == 2
    assert [one.question for one in audit() if one.rows] == []


def test_on_the_first_of_a_month_the_month_that_has_ended_is_charged_with_its_fee(alice, clearing):
    """This happens in the hour before the bank closes the day. The later steps find that both months are charged."""
    account, other = earning(alice, clearing, monthly_fee_minor=5), opened(alice, "Other")
    with time_machine.travel(at(LAST, 24) + timedelta(minutes=30)):
        close(account.pk, by=alice.pk, is_proven=True, other_id=other.pk)
    made = [("fee", date(2026, 10, 1), -5, "posted"), ("interest", date(2026, 10, 1), 20, "posted")]
    assert charges_of(account) == made
    close_until(LAST)
    assert charges_of(account) == made
    assert (balance(other), internal_account("GBP", "Fee income").posted_minor) == (15, 5)
    assert [one.question for one in audit() if one.rows] == []


def test_the_last_day_of_a_month_has_no_fee_and_its_interest_is_not_waived(alice, clearing):
    account, other = earning(alice, clearing, monthly_fee_minor=5), opened(alice, "Other")
    with time_machine.travel(at(LAST, 23)):
        close(account.pk, by=alice.pk, is_proven=True, other_id=other.pk)
    close_until(LAST)
    assert charges_of(account) == [("interest", date(2026, 10, 1), 20, "posted")]
    assert balance(other) == 20
    assert [one.question for one in audit() if one.rows] == []


@pytest.fixture
def owing(alice, clearing):
    """An account that owes 0.10 of overdraft interest for a day and a fee of 5.00."""
    account = opened(
        alice, "Owing", overdraft_minor=100_000, overdraft_interest_rate=Decimal("3.65"), monthly_fee_minor=500
    )
    pay(account, clearing, 100_000, at(LAST))
    close_until(LAST)
    pay(clearing, account, 100_000, at(date(2026, 11, 1)))
    return account


def test_what_is_owed_comes_from_another_account_or_is_paid_in(alice, clearing, owing):
    other = opened(alice, "Other")
    assert charges_of(owing) == [("fee", date(2026, 10, 1), -500, "due"), ("overdraft", date(2026, 10, 1), -10, "due")]
    with time_machine.travel(at(date(2026, 11, 1), 15)):
        with pytest.raises(OtherAccountNeeded, match=r"5\.10"):
            close(owing.pk, by=alice.pk, is_proven=True)
        with pytest.raises(Exception, match="enough money"):
            close(owing.pk, by=alice.pk, is_proven=True, other_id=other.pk)
        assert not call("close_account", owing.pk, alice.pk, False, "x")  # the database checks this, too
        pay(clearing, owing, 510, at(date(2026, 11, 1)))
        close(owing.pk, by=alice.pk, is_proven=True)
    assert {status for *_, status in charges_of(owing)} == {"posted"}
    assert internal_account("GBP", "Fee income").posted_minor == 500
    charge_some(Month(2026, 11), None)
    assert len(charges_of(owing)) == 2
    assert [one.question for one in audit() if one.rows] == []


def test_what_is_owed_is_taken_from_the_chosen_account(alice, clearing, owing):
    other = opened(alice, "Other")
    pay(clearing, other, 1000, at(date(2026, 11, 1)))
    with time_machine.travel(at(date(2026, 11, 1), 15)):
        close(owing.pk, by=alice.pk, is_proven=True, other_id=other.pk)
    assert (balance(owing), balance(other)) == (0, 490)
    moved = LedgerTransaction.objects.get(description="Closing of Owing")
    assert moved.entries.get(account=other).counterparty_iban == owing.iban


def test_an_officer_waives_what_is_owed_and_pays_out_what_is_earned(alice, bob, clearing, owing):
    other, by = opened(alice, "Other"), oversight.Officer(officer("closer", "close_account"))
    with time_machine.travel(at(date(2026, 11, 1), 15)):
        oversight.close_account(owing.pk, by=by, reason="Asked for")
    assert {status for *_, status in charges_of(owing)} == {"waived"}
    assert (balance(other), internal_account("GBP", "Fee income").posted_minor) == (0, 0)
    theirs = opened(bob, "Bob's", credit_interest_rate=Decimal("36.5"))
    pay(clearing, theirs, 100_000, at(date(2026, 11, 1)))
    pay(theirs, clearing, 100_000, at(date(2026, 11, 2)))
    with time_machine.travel(at(date(2026, 11, 2), 15)):
        with pytest.raises(OtherAccountNeeded):
            oversight.close_account(theirs.pk, by=by, reason="Asked for")
        his = opened(bob, "Second")
        oversight.close_account(theirs.pk, by=by, reason="Asked for")
    assert balance(his) == 100
    assert [one.question for one in audit() if one.rows] == []


@pytest.mark.parametrize("wrong", ["of somebody else", "in another currency", "frozen", "itself", "read only"])
def test_interest_goes_to_an_open_account_of_the_owner_only(alice, bob, clearing, wrong):
    account = earning(alice, clearing)
    other = opened(bob if wrong in ("of somebody else", "read only") else alice, "Other")
    if wrong == "in another currency":
        other = open_account(alice, name="Yen", currency="JPY")
    elif wrong == "frozen":
        Account.objects.filter(pk=other.pk).update(status="frozen")
    elif wrong == "itself":
        other = account
    elif wrong == "read only":
        other.access.create(user=alice, role="reader")
    with time_machine.travel(at(date(2026, 10, 30), 15)), pytest.raises(OtherAccountNeeded):
        close(account.pk, by=alice.pk, is_proven=True, other_id=other.pk)
    assert Account.objects.get(pk=account.pk).status == "open"
    assert not AccountCharge.objects.exists()


def test_only_the_owner_learns_and_moves_what_an_account_earned(alice, bob, clearing):
    account, other = earning(alice, clearing), opened(bob, "Other")
    account.access.create(user=bob, role="holder")
    with time_machine.travel(at(date(2026, 10, 30), 15)), pytest.raises(NotClosable):
        close(account.pk, by=bob.pk, is_proven=True, other_id=other.pk)


def test_money_beside_what_is_owed_keeps_the_account_open(alice, clearing, owing):
    pay(clearing, owing, 511, at(date(2026, 11, 1)))
    with time_machine.travel(at(date(2026, 11, 1), 15)), pytest.raises(NotClosable):
        close(owing.pk, by=alice.pk, is_proven=True)


def test_the_page_names_the_interest_and_asks_where_it_goes(alice, clearing):
    account = earning(alice, clearing)
    url = f"/bank/accounts/{account.pk}/close"
    with time_machine.travel(at(date(2026, 10, 30), 15)):
        web = logged_in(alice)
        page = web.get(url).content.decode()
        assert "no other account in this currency" in page
        assert "Close the account</button>" not in page
        assert web.post(url).status_code == 409
        other = opened(alice, "Other")
        page = web.get(url).content.decode()
        assert "0.20" in page
        assert f'<option value="{other.pk}">Other</option>' in page
        twin = opened(alice, "Other")
        page = web.get(url).content.decode()
        for one in (other, twin):
            assert f'<option value="{one.pk}">Other {iban.ending(one.iban)}</option>' in page, "which of the two it is"
        assert web.post(url, {"other": str(other.pk)}).status_code == 303
    assert balance(other) == 20
