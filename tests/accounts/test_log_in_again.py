"""A user without a password, a second factor and an identity provider reauthenticates by logging in again."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client as Browser
from django.utils import timezone

from accounts import changes
from tests.lib.login import is_logged_in, submit
from tests.lib.oauth_client import authorization_url, callback, decide

pytestmark = pytest.mark.django_db


@pytest.fixture
def without_password(alice):
    changes.set_password(alice, None)
    return alice


@pytest.fixture
def browser(without_password, mailoutbox):
    browser = Browser()
    log_in_by_code(browser, "/accounts/login/code/", without_password, mailoutbox)
    assert is_logged_in(browser)
    return browser


def log_in_by_code(browser, url, user, mailoutbox):
    sent = submit(browser, url, email=user.email)
    [code] = re.findall(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b", mailoutbox[-1].body)
    return submit(browser, sent["Location"], code=code)


def code_page(login_page):
    """The link of the login page to the page that sends a code."""
    return re.search(r'href="(/accounts/login/code/[^"]*)"', login_page.content.decode())[1].replace("&amp;", "&")


@pytest.mark.parametrize("wish", [{"prompt": "login"}, {"max_age": "60"}])
def test_an_app_that_asks_for_a_new_login_gets_its_answer(browser, without_password, web_app, mailoutbox, wish):
    """OpenID Connect Core §3.1.2.1."""
    with time_machine.travel(timezone.now() + timedelta(minutes=20)):
        asked = browser.get(authorization_url(web_app, scope="openid", **wish))
        assert urlsplit(asked["Location"]).path == "/accounts/reauthenticate/"
        page = browser.get(asked["Location"])
        assert "Log out and log in again" in page.content.decode()
        login = submit(browser, asked["Location"])["Location"]
        assert not is_logged_in(browser)
        back = log_in_by_code(browser, code_page(browser.get(login)), without_password, mailoutbox)
        assert urlsplit(back["Location"]).path == "/oauth/authorize"
        assert "code" in callback(decide(browser, browser.get(back["Location"])))


def test_a_page_that_needs_a_recent_login_is_reached(browser, without_password, mailoutbox):
    """ASVS 5.0 7.5.1."""
    with time_machine.travel(timezone.now() + timedelta(minutes=20)):
        proof = browser.get("/accounts/password/set/")["Location"]
        login = submit(browser, proof)["Location"]
        back = log_in_by_code(browser, code_page(browser.get(login)), without_password, mailoutbox)
        assert back["Location"] == "/accounts/password/set/"
        assert browser.get("/accounts/password/set/").status_code == 200


def test_it_leads_to_pages_of_this_site_only(browser):
    answer = browser.post("/accounts/reauthenticate/?next=https://evil.example/")
    assert answer["Location"] == "/accounts/login/"


def test_whoever_has_a_password_is_asked_for_it(alice):
    browser = Browser()
    browser.force_login(alice)
    assert "Log out and log in again" not in browser.get("/accounts/reauthenticate/").content.decode()
    browser.post("/accounts/reauthenticate/", {"password": "wrong"})
    assert is_logged_in(browser)
