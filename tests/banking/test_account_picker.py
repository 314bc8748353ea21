"""Picking from many accounts on the consent page: page by page, with a search, and without JavaScript."""

import json
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup

from banking.accounts.opening import open_account
from oauth.models import Authorization
from tests.lib.oauth_client import authorization_url, callback

pytestmark = pytest.mark.django_db
DETAIL = {"type": "account_information", "actions": ["accounts"]}


@pytest.fixture
def accounts(alice):
    return [open_account(alice, name=f"Pot {number:02}", currency="GBP") for number in range(45)]


@pytest.fixture
def page(browser, accounts, mobile_app):
    return browser.get(authorization_url(mobile_app, authorization_details=json.dumps([DETAIL])))


def send(browser, page, decision, *, untick=(), **changed):
    """Unticks these labels and then presses a button of the form."""
    form = BeautifulSoup(page.content, "html.parser").select_one("main form")
    fields = [
        (field["name"], changed.get(field["name"], field.get("value", "")))
        for field in form.select("input[type=hidden], input[type=search], input[checked]")
        if not any(name in field.parent.text for name in untick if field.get("type") == "checkbox")
    ]
    body = urlencode([*fields, ("decision", decision)])
    return browser.post("/oauth/authorize", body, content_type="application/x-www-form-urlencoded")


def shown(page):
    return [
        label.select_one("bdi").text for label in BeautifulSoup(page.content, "html.parser").select(".choices label")
    ]


def granted(answer):
    assert "code" in callback(answer)
    return set(Authorization.objects.get().authorization_details[0].get("accounts", []))


def test_twenty_are_shown_at_a_time_and_ticks_are_kept_from_part_to_part(browser, page, accounts):
    assert shown(page) == [f"Pot {number:02}" for number in range(20)]
    last = send(browser, send(browser, page, "look-0-2", untick=["Pot 03"]), "look-0-3", untick=["Pot 21"])
    assert shown(last) == [f"Pot {number:02}" for number in range(40, 45)]
    assert "43 of 45" in last.content.decode()
    assert "code" in callback(send(browser, last, "allow"))
    [detail] = Authorization.objects.get().authorization_details
    from banking.models import Consent

    names = set(Consent.objects.get(pk=detail["identifier"]).accounts.values_list("name", flat=True))
    assert names == {account.name for account in accounts} - {"Pot 03", "Pot 21"}


def test_a_search_finds_and_untick_all_is_for_what_was_found(browser, page, accounts):
    found = send(browser, page, "look-0-1", **{"search-0": "pot 4"})
    assert shown(found) == ["Pot 40", "Pot 41", "Pot 42", "Pot 43", "Pot 44"]
    nothing = send(browser, send(browser, found, "look-0-1", **{"search-0": ""}), "look-0-none")
    found = send(browser, nothing, "look-0-1", **{"search-0": "pot 4"})
    ticked = send(browser, found, "look-0-all")
    assert granted(send(browser, ticked, "allow")) == {str(account.pk) for account in accounts[40:]}


def test_picking_no_account_at_all_is_refused(browser, page):
    refused = send(browser, send(browser, page, "look-0-none"), "allow")
    assert refused.status_code == 400
    assert not Authorization.objects.exists()


def test_what_the_search_says_is_text_and_what_is_no_part_is_the_first(browser, page):
    answer = send(browser, page, "look-0-999", **{"search-0": '"><script>alert(1)</script>'})
    assert "<script>alert" not in answer.content.decode()
    assert "No result for this search" in answer.content.decode()
    assert shown(send(browser, page, "look-0-0")) == shown(page)


def test_the_kept_ticks_of_somebody_else_open_nothing(browser, page, of_bob):
    """The user has tampered with the form: it carries an account of somebody else as if it had been ticked."""
    form = BeautifulSoup(page.content, "html.parser").select_one("main form")
    fields = [(field["name"], field["value"]) for field in form.select("input[type=hidden]:not([name^=kept])")]
    body = urlencode([*fields, ("kept-0", str(of_bob.pk)), ("decision", "allow")])
    answer = browser.post("/oauth/authorize", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400
    assert not Authorization.objects.exists()
