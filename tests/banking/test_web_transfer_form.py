"""Checks of the form for a transfer before the confirmation."""

import pytest
from django.db import connection

from banking.models import Account, AccountAccess, Payee, Transfer
from banking.notation import iban
from banking.payments.own_limit import set_own_limit
from tests.lib.ledger import funded
from tests.lib.web_bank import begin, filled, new_payee, soup, text

pytestmark = pytest.mark.django_db


def refused(browser, source, to="new", **fields):
    answer = browser.post("/bank/transfer", filled(source, to, **fields))
    assert answer.status_code in (400, 409, 422), answer.status_code
    return soup(answer)


def error_at(page, field):
    return page.select_one(f".field:has(#id_{field}) .errorlist").get_text(" ", strip=True)


def test_the_form_shows_insufficient_money_at_the_amount_with_the_available_sum(browser, current, of_bob):
    page = refused(browser, current, amount="100.01", **new_payee(of_bob))
    assert "does not have enough money" in error_at(page, "amount")
    assert "£100.00 is available." in error_at(page, "amount")


def test_the_form_shows_a_limit_at_the_amount(browser, alice, current, of_bob, settings):
    settings.NEW_PAYEE_LIMIT_MINOR = {"GBP": 1_000}
    assert "New payees together" in error_at(refused(browser, current, **new_payee(of_bob)), "amount")
    settings.NEW_PAYEE_LIMIT_MINOR = {"GBP": 100_000}
    set_own_limit(alice.pk, "GBP", 1_000, is_proven=True)
    assert "limit" in error_at(refused(browser, current, **new_payee(of_bob)), "amount")


def test_accounts_of_the_same_name_are_told_apart(browser, alice, bob, current, savings):
    """The owner of a joint account names it, and may choose the name of an account of its holder."""
    joint = funded(bob, savings.name)
    AccountAccess.objects.create(account=joint, user=alice, role="holder")
    page = soup(browser.get("/bank/transfer"))
    shown = [one.get_text(strip=True) for one in page.select("option[value^='account:']")]
    assert sorted(shown) == sorted(
        [f"{current.name} (GBP)", *(f"{one.name} {iban.ending(one.iban)} (GBP)" for one in (savings, joint))]
    )
    assert len({one.get_text(strip=True) for one in page.select("#id_source option")}) == 3
    assert iban.ending(joint.iban) in text(browser.get(begin(browser, current, f"account:{joint.pk}")))


def test_another_currency_is_told_at_the_account(browser, alice, current):
    euros = funded(alice, "Euros", currency="EUR")
    page = refused(browser, current, f"account:{euros.pk}")
    assert "same currency" in error_at(page, "to")


def test_trying_moves_nothing_and_tells_nobody(browser, current, of_bob):
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs")
        [before] = cursor.fetchone()
        begin(browser, current, **new_payee(of_bob))
        cursor.execute("SELECT count(*) FROM procrastinate_jobs")
        assert cursor.fetchone() == (before,)
    assert not Transfer.objects.exists()
    assert Account.objects.get(pk=current.pk).posted_minor == 10_000


def test_the_same_account_is_never_chosen_on_both_sides(browser, current, savings):
    def chosen(query):
        page = soup(browser.get(f"/bank/transfer?{query}"))
        picked = [page.select_one(f"#id_{name} option[selected]") for name in ("source", "to")]
        return [one["value"].removeprefix("account:") if one else "" for one in picked]

    assert chosen("") == [str(current.pk), ""]
    assert chosen(f"to=account:{current.pk}") == [str(savings.pk), str(current.pk)]
    assert chosen(f"from={savings.pk}") == [str(savings.pk), ""]
    assert chosen(f"from={savings.pk}&to=account:{savings.pk}") == [str(current.pk), str(savings.pk)]
    assert "Choose whom to pay." in error_at(refused(browser, current, ""), "to")
    assert "Choose an account other than" in error_at(refused(browser, current, f"account:{current.pk}"), "to")


def test_a_sort_code_and_account_number_are_those_of_the_iban(browser, current, of_bob):
    sort_code, number = iban.domestic(of_bob.iban)
    for written in (f"{sort_code} {number}", f"200000{number}", f"20 00 00, {number}"):
        where = begin(browser, current, **new_payee(of_bob) | {"iban": written})
        assert iban.grouped(of_bob.iban) in text(browser.get(where))
    elsewhere = refused(browser, current, **new_payee(of_bob) | {"iban": f"40-00-00 {number}"})
    assert "another bank" in error_at(elsewhere, "iban")
    browser.post("/bank/payees", {"name": "Bob Baker", "iban": f"{sort_code} {number}"})
    assert Payee.objects.get().iban == of_bob.iban


@pytest.mark.parametrize("written", ["DE89370400440532013000", "FR7630006000011234567890189", "", None])
def test_other_countries_have_no_sort_code(written):
    assert iban.domestic(written) is None


def test_the_name_of_a_known_payee_is_checked_too(browser, alice, current, of_bob, settings):
    settings.NEW_PAYEE_PERIOD *= 0
    payee = Payee.objects.create(user=alice, name="Tax Office", iban=of_bob.iban)
    page = text(browser.get(begin(browser, current, f"payee:{payee.pk}")))
    assert "The name does not match the account." in page
    assert "This payee is new" not in page
    abroad = Payee.objects.create(user=alice, name="Dora Demir", iban="DE89370400440532013000")
    page = text(browser.get(begin(browser, current, f"payee:{abroad.pk}")))
    assert "cannot check the name" not in page


def test_changing_what_was_filled_in_starts_with_it(browser, alice, current, savings, of_bob):
    payee = Payee.objects.create(user=alice, name="Bob Baker", iban=of_bob.iban)
    for to in (new_payee(of_bob), {"to": f"account:{savings.pk}"}, {"to": f"payee:{payee.pk}"}):
        page = soup(browser.get(begin(browser, current, **to)))
        form = soup(browser.get(page.select_one("a.back")["href"]))
        assert form.select_one("#id_amount")["value"] == "12.50"
        assert form.select_one("#id_reference")["value"] == "Rent"
        assert form.select_one("#id_to option[selected]")["value"] == to["to"]
    assert soup(browser.get("/bank/transfer?change=no-such-key")).select_one("#id_amount").get("value") is None
