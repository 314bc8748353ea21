"""A user changes which accounts an app may use, without the app (ASVS 5.0 10.7.3)."""

import json
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from django.test import Client as Browser

from banking import orders, oversight
from banking.models import Consent, ScheduledTransfer
from banking.notation import bank_day
from oauth.infrastructure import caches
from oauth.models import Authorization
from tests.lib.oauth_client import PASSWORD, authorization_url, callback, decide
from tests.lib.staff import officer
from tests.lib.transfers import order

pytestmark = [pytest.mark.usefixtures("as_the_site"), pytest.mark.django_db]
DETAIL = {"type": "account_information", "actions": ["accounts", "balances"]}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def tokens(browser, mobile_app, current, savings, token_endpoint):
    """Tokens of an app that may see both accounts, and pay."""
    url = authorization_url(mobile_app, scope="transfers:write", authorization_details=json.dumps([DETAIL]))
    return token_endpoint.redeem(mobile_app, callback(decide(browser, browser.get(url)))["code"]).json()


@pytest.fixture
def first():
    return oversight.Officer(officer("first", "freeze_account"))


@pytest.fixture
def change_page(browser, tokens, mobile_app):
    [link] = BeautifulSoup(browser.get(f"/oauth/apps/{mobile_app.pk}").content, "html.parser").select(
        "main a.button.small"
    )
    return link["href"]


def pick(browser, page, *accounts, decision="save"):
    body = urlencode([*(("choice-0", str(account.pk)) for account in accounts), ("decision", decision)])
    return browser.post(page, body, content_type=FORM)


def pay(client, source, destination):
    body = {
        "source_account_id": str(source.pk), "destination": {"account_id": str(destination.pk)},
        "amount": {"currency": "GBP", "minor_units": 100}, "reference": "Rent",
    }  # fmt: skip
    return client.post("/api/v1/transfers", body, format="json", headers={"Idempotency-Key": "k" * 20})


def test_a_change_of_accounts_applies_at_once_and_the_app_keeps_the_others(
    browser, tokens, change_page, mobile_app, current, savings, token_endpoint, api
):
    page = browser.get(change_page)
    assert page.content.count(b"checked") == 2
    assert pick(browser, change_page, savings)["Location"] == "/oauth/apps"
    caches.clear()  # a resource server reads the status list every few seconds
    old = api(tokens["access_token"])
    assert old.get("/api/v1/accounts").status_code == 401
    fresh = token_endpoint.refresh(mobile_app, tokens["refresh_token"]).json()
    rows = api(fresh["access_token"]).get("/api/v1/accounts").json()["data"]
    assert [row["id"] for row in rows] == [str(savings.pk)]
    [detail] = Authorization.objects.get().authorization_details
    assert (detail["accounts"], Consent.objects.get().detail) == ([str(savings.pk)], detail)


def test_money_stops_even_before_the_status_list_is_read_again(browser, tokens, change_page, current, savings, api):
    client = api(tokens["access_token"])
    assert client.get("/api/v1/accounts").status_code == 200  # the list is in memory from here on
    pick(browser, change_page, savings)
    assert pay(client, current, savings).status_code == 401


def test_at_least_one_is_picked_and_only_ones_own(browser, change_page, of_bob, current):
    before = Authorization.objects.get().authorization_details
    for accounts in ((), (of_bob,), (current, of_bob)):
        assert pick(browser, change_page, *accounts).status_code == 400
    assert Authorization.objects.get().authorization_details == before


def test_a_frozen_account_stays_with_the_app_unless_it_is_unticked(browser, change_page, first, current, savings):
    oversight.freeze(current.pk, by=first, reason="x")
    page = browser.get(change_page).content.decode()
    assert page.count("checked") == 2
    assert "Frozen" in page
    assert pick(browser, change_page, current, savings).status_code == 303
    [detail] = Authorization.objects.get().authorization_details
    assert detail["accounts"] == sorted([str(current.pk), str(savings.pk)])
    assert pick(browser, change_page, savings).status_code == 303
    [detail] = Authorization.objects.get().authorization_details
    assert detail["accounts"] == [str(savings.pk)]


def test_a_frozen_account_is_not_given_to_an_app_that_did_not_have_it(browser, change_page, first, current, savings):
    pick(browser, change_page, savings)
    oversight.freeze(current.pk, by=first, reason="x")
    assert str(current.pk) not in browser.get(change_page).content.decode()
    assert pick(browser, change_page, current, savings).status_code == 400
    [detail] = Authorization.objects.get().authorization_details
    assert detail["accounts"] == [str(savings.pk)]


def test_looking_saves_nothing(browser, change_page, savings):
    before = Authorization.objects.get().authorization_details
    assert pick(browser, change_page, savings, decision="look-0-1").status_code == 200
    assert Authorization.objects.get().authorization_details == before


def test_the_app_of_another_user_is_not_found_and_the_form_needs_its_token(browser, change_page, bob, savings):
    of_bob = Browser()
    of_bob.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    assert of_bob.get(change_page).status_code == 404
    assert pick(of_bob, change_page, savings).status_code == 404
    strict = Browser(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    assert pick(strict, change_page, savings).status_code == 403
    assert browser.get(change_page.rsplit("/", 1)[0] + "/7").status_code == 404


def test_a_removed_app_has_nothing_to_change(browser, change_page):
    Authorization.objects.all().revoke(Authorization.RevocationReason.USER)
    assert browser.get(change_page).status_code == 404


def test_a_token_from_before_a_change_reads_and_ends_no_consent(browser, tokens, change_page, savings, api):
    """The consent endpoint of the API asks the database, as a payment does, and not only the status list."""
    old = api(tokens["access_token"])
    assert old.get("/api/v1/consent").status_code == 200  # the list is in memory from here on
    pick(browser, change_page, savings)
    assert old.get("/api/v1/consent").status_code == 401
    assert old.delete("/api/v1/consent").status_code == 401
    assert Authorization.objects.get().is_live


def test_an_order_from_an_account_that_the_app_lost_is_on_hold(browser, tokens, change_page, current, savings, api):
    """From then on, transfers by the app are refused, too. If the user resumes the order, it no longer belongs to the
    app.
    """
    made = order(
        api(tokens["access_token"]), current, savings, first_on=bank_day.today().isoformat(), frequency="daily"
    )
    assert made.status_code == 201
    pick(browser, change_page, savings)
    assert orders.run_due() == 0
    held = ScheduledTransfer.objects.get()
    assert (held.status, held.held_reason) == ("held", "app_narrowed")
    assert "may no longer pay from this account" in browser.get("/bank/orders").content.decode()
    browser.post(f"/bank/orders/{held.pk}/resume")
    assert orders.run_due() == 1


def test_an_order_of_an_app_whose_consent_lost_the_scope_is_on_hold(tokens, current, savings, api):
    order(api(tokens["access_token"]), current, savings, first_on=bank_day.today().isoformat())
    Authorization.objects.update(scopes=["accounts:read"])
    assert orders.run_due() == 0
    assert ScheduledTransfer.objects.get().held_reason == "app_narrowed"


def test_an_order_from_an_account_that_the_app_keeps_is_paid(browser, tokens, change_page, current, savings, api):
    order(api(tokens["access_token"]), current, savings, first_on=bank_day.today().isoformat())
    pick(browser, change_page, current)
    assert orders.run_due() == 1
