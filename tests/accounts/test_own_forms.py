"""Several tabs that were opened before the browser had a cookie: each has its own CSRF token, but the browser keeps
only one cookie.
"""

import pytest
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.test import Client as Browser

from tests.lib.login import logged_in
from tests.lib.oauth_client import PASSWORD, form_fields

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"
OWN = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def tabs():
    """A browser, and the form fields of two login pages that it asked for at the same moment."""
    browser = Browser(enforce_csrf_checks=True)
    first = browser.get(LOGIN)
    browser.cookies.clear()
    browser.get(LOGIN)
    return browser, form_fields(first.content)


def log_in(tabs, alice, **headers):
    browser, fields = tabs
    answer = browser.post(LOGIN, {**fields, "login": alice.email, "password": PASSWORD}, headers=headers)
    return answer.status_code, SESSION_KEY in browser.session


def test_the_form_of_the_first_tab_logs_in(tabs, alice):
    assert log_in(tabs, alice, **OWN) == (302, True)


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "http://testserver"}, {**OWN, "Sec-Fetch-Site": "same-site"}, {**OWN, "Sec-Fetch-Site": "cross-site"},
     {**OWN, "Sec-Fetch-Site": "none"}, {**OWN, "Origin": "http://evil.example"}, {**OWN, "Origin": "null"},
     {**OWN, "Origin": "https://testserver"}, {**OWN, "Origin": "http://testserver:81"},
     {"Sec-Fetch-Site": "same-origin"}],
)  # fmt: skip
def test_a_form_of_another_page_needs_the_token_of_the_cookie(tabs, alice, headers):
    """Login CSRF (RFC 6749 §10.12): another site must not log this browser in as its own user."""
    assert log_in(tabs, alice, **headers) == (403, False)


def test_a_browser_without_cookies_is_told_so(tabs, alice):
    browser, _ = tabs
    browser.cookies.clear()
    assert log_in(tabs, alice, **OWN) == (403, False)


def test_a_user_who_is_logged_in_needs_the_token(alice):
    browser = logged_in(alice)
    browser.handler.enforce_csrf_checks = True
    browser.get("/accounts/password/change/")
    assert browser.cookies[settings.CSRF_COOKIE_NAME].value
    assert browser.post("/accounts/password/change/", {}, headers=OWN).status_code == 403
