"""Currency exchange in the web bank: the user confirms exactly the exchange that the page showed."""

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from banking import oversight
from banking.account_life.sandbox import open_sandbox
from banking.journal import activity
from banking.models import Account, AccountAccess, Exchange, ExchangeQuote, Role
from banking.web import exchanges
from oauth.infrastructure.rate_limits import Limit
from tests.lib.exchanges import exchanged, set_rate
from tests.lib.ledger import balances, funded
from tests.lib.login import logged_in
from tests.lib.pages import check
from tests.lib.registered import make_user
from tests.lib.staff import officer
from tests.lib.web_bank import soup, text

pytestmark = pytest.mark.django_db
HERE = "/bank/exchange"


@pytest.fixture
def euro(alice):
    return funded(alice, "Travel", "EUR", amount_minor=0)


@pytest.fixture
def rate(db):
    return set_rate()


@pytest.fixture
def web(alice):
    return logged_in(alice)


def ask(web, source, destination, amount="10.00", fixed="sell"):
    form = {"source": str(source.pk), "destination": str(destination.pk), "amount": amount, "fixed": fixed}
    return web.post(HERE, form)


def test_from_the_account_to_the_receipt(web, current, euro, rate):
    page = web.get(f"/bank/accounts/{current.pk}")
    assert soup(page).select_one(f"a[href='{HERE}?from={current.pk}']")
    form = web.get(f"{HERE}?from={current.pk}")
    check(form)
    chosen = [option["value"] for option in soup(form).select("option[selected]")]
    assert chosen[:2] == [str(current.pk), str(euro.pk)]
    answer = ask(web, current, euro)
    assert answer.status_code == 303
    page = web.get(answer["Location"])
    check(page)
    for fact in ("£10.00", "€11.64", "1 GBP = 1.16415 EUR", "1 GBP = 1.17 EUR", "0.5 %", "Valid until"):
        assert fact in text(page), fact
    assert balances(current, euro) == [10_000, 0]
    done = web.post(answer["Location"])
    assert done.status_code == 303
    assert balances(current, euro) == [9000, 1164]
    receipt = web.get(done["Location"])
    check(receipt)
    links = [link["href"] for link in soup(receipt).select("dd a")]
    assert len(links) == 2
    for link in links:
        half = web.get(link)
        check(half)
        assert soup(half).select_one(f"a[href='{done['Location']}']")
    # The user presses the button twice, and then opens the page of the quote again.
    for again in (web.post(answer["Location"]), web.get(answer["Location"])):
        assert (again.status_code, again["Location"]) == (303, done["Location"])
    assert Exchange.objects.count() == 1


def test_rates_are_in_the_notation_of_the_page(web, current, euro, db):
    """“1.175” would be read as more than a thousand in German."""
    set_rate(mid="1.175", spread="0.5")
    quoted, german = ask(web, current, euro)["Location"], {"Accept-Language": "de"}
    page = text(web.get(quoted, headers=german))
    for fact in ("1 GBP = 1,169125 EUR", "1 GBP = 1,175 EUR", "0,5 %"):
        assert fact in page, page
    assert "1 GBP = 1,169125 EUR" in text(web.get(web.post(quoted)["Location"], headers=german))


def test_the_amount_to_buy(web, current, euro, rate):
    page = web.get(ask(web, current, euro, "11.64", "buy")["Location"])
    assert "£10.00" in text(page)


@pytest.mark.parametrize("why", ["expired", "moved"])
def test_a_late_confirmation_gets_a_new_quote_to_look_at(web, alice, current, euro, rate, why):
    """An exchange never uses another rate than the one that the user has seen."""
    first = ask(web, current, euro)["Location"]
    set_rate(mid="1.20")
    later = timezone.now() + timedelta(seconds=31 if why == "expired" else 1)
    with time_machine.travel(later, tick=False):
        if why == "expired":
            page = web.get(first)
            assert "This quote has expired" in text(page)
            check(page)
        answer = web.post(first)
        assert answer.status_code == 303
        assert answer["Location"] != first
        assert balances(current, euro) == [10_000, 0]
        page = web.get(answer["Location"])
        assert "1 GBP = 1.194 EUR" in text(page)
        assert "This is a new quote" in text(page)
        assert web.post(answer["Location"]).status_code == 303
    assert balances(current, euro) == [9000, 1194]


def test_nobody_else_sees_a_quote_or_an_exchange(web, alice, bob, current, euro, rate):
    quoted = ask(web, current, euro)["Location"]
    done = exchanged(alice, current, euro)
    receipt = reverse("bank:exchanged", args=[done.pk])
    of_bob = logged_in(bob)
    AccountAccess.objects.create(account=current, user=bob, role=Role.READER)
    for answer in (of_bob.get(quoted), of_bob.post(quoted), of_bob.get(receipt)):
        assert answer.status_code == 404
    half = of_bob.get(reverse("bank:transaction", args=[current.pk, done.sold_id]))
    assert receipt not in half.content.decode()
    assert ExchangeQuote.objects.filter(user=bob).count() == 0


@pytest.mark.parametrize("is_expired", [False, True])
def test_an_account_that_was_taken_away_in_between_exchanges_nothing(web, alice, bob, current, euro, rate, is_expired):
    shared = funded(bob, "Ours")
    access = AccountAccess.objects.create(account=shared, user=alice, role=Role.HOLDER)
    quoted = ask(web, shared, euro)["Location"]
    access.delete()
    with time_machine.travel(timezone.now() + timedelta(seconds=31 if is_expired else 1), tick=False):
        answer = web.post(quoted, follow=True)
    assert answer.request["PATH_INFO"] == HERE
    assert "You can no longer pay from this account. No money was moved." in text(answer)
    assert not Exchange.objects.exists()


def test_the_form_refuses_invalid_exchanges(web, alice, current, savings, euro, rate):
    yen = funded(alice, "Yen", "JPY")
    for to, amount, status, words in (
        (savings, "1", 422, "Both accounts have the same currency"),
        (current, "1", 422, "same account"),
        (yen, "1", 422, "have no current rate for these two currencies"),
        (euro, "0", 400, "more than zero"),
        (euro, "0.001", 400, "no unit that small"),
        (euro, "x", 400, "Write the amount like this"),
    ):
        answer = ask(web, current, to, amount)
        assert answer.status_code == status, (to, amount, answer.content)
        assert words in text(answer)


def test_too_little_money_is_said_where_it_is_confirmed(web, current, euro, rate):
    quoted = ask(web, current, euro, "100.01")["Location"]
    answer = web.post(quoted)
    assert answer.status_code == 422
    assert "does not have enough money" in text(answer)
    check(answer)


def test_a_frozen_account_is_not_offered(web, current, euro, rate):
    oversight.freeze(current.pk, by=oversight.Officer(officer("first")), reason="x")
    page = web.get(f"{HERE}?from={current.pk}")
    assert str(current.pk) not in [option["value"] for option in soup(page).select("option")]


def test_a_large_exchange_needs_a_fresh_login(web, current, euro, rate, settings):
    settings.STEP_UP_AMOUNT_MINOR = {"GBP": 500}
    settings.STEP_UP_MAX_AGE = timedelta(seconds=-1)
    quoted = ask(web, current, euro)["Location"]
    answer = web.post(quoted)
    assert answer.status_code == 303
    assert "next=" in answer["Location"]
    assert balances(current, euro) == [10_000, 0]


def test_without_a_second_currency_the_page_says_what_is_missing(web, current):
    page = web.get(HERE)
    check(page)
    assert "two open accounts in currencies that we exchange" in text(page)


def test_a_sandbox_customer_is_offered_nothing(sandbox_web, rate):
    web, account = sandbox_web
    assert HERE not in web.get(f"/bank/accounts/{account.pk}").content.decode()
    assert "two open accounts" in text(web.get(HERE))


@pytest.fixture
def sandbox_web(db):
    user = make_user("sandy@example.test", "Sandy")
    open_sandbox(user)
    return logged_in(user), Account.objects.filter(holder=user).first()


def test_the_journal_of_an_app_names_what_it_exchanged(alice, current, euro, rate):
    done = exchanged(alice, current, euro)
    lines = activity.of_app(alice, done.client_id)
    assert [one.url for one in lines if "exchanged" in str(one.text)] == [reverse("bank:exchanged", args=[done.pk])]


def test_one_user_gets_only_so_many_quotes(web, current, euro, rate, monkeypatch):
    """Each is a row that stays for days."""
    monkeypatch.setattr(exchanges, "QUOTES", Limit("quotes-of-this-test", 2, seconds=86_400))
    answers = [ask(web, current, euro) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [303, 303, 429]
    assert "Too often" in text(answers[-1])
    assert ExchangeQuote.objects.count() == 2
    with time_machine.travel(timezone.now() + timedelta(seconds=31), tick=False):
        again = web.post(answers[0]["Location"])
    assert (again.status_code, again["Location"]) == (303, HERE)
    assert ExchangeQuote.objects.count() == 2
