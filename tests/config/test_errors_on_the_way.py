"""An error page that a user meets on the way to an app leads on to the app, or back to it."""

from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from django.db import OperationalError
from django.test import Client as Browser

from accounts.pages import home
from oauth.infrastructure import rate_limits
from oauth.infrastructure.form_action import form_action
from oauth.infrastructure.rate_limits import LimitReached
from oauth.models import StoredInteraction
from tests.lib.oauth_client import authorization_url, callback, decide

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing_keys")]


@pytest.fixture
def browser(mobile_app):
    """The browser of a user whom an app has sent here and who has not logged in yet."""
    browser = Browser(enforce_csrf_checks=True, raise_request_exception=False)
    assert browser.get(authorization_url(mobile_app)).status_code in (302, 303)
    return browser


def no_such_page(browser):
    return browser.get("/there-is-no-such-page")


def stale_form(browser):
    return browser.post("/accounts/login/", {"login": "a@example.test"})


def too_many_forms(browser):
    with patch.object(rate_limits, "spend_page", side_effect=LimitReached(60)):
        return browser.post("/accounts/login/", {"csrfmiddlewaretoken": token(browser.get("/accounts/login/"))})


def bug(browser):
    with patch.object(home, "render", side_effect=ZeroDivisionError):
        return browser.get("/")


def control_character(browser):
    return browser.get("/?x=%01")


def token(page):
    return BeautifulSoup(page.content, "html.parser").select_one("[name=csrfmiddlewaretoken]")["value"]


@pytest.mark.parametrize(
    ("meet", "status"), [(no_such_page, 404), (stale_form, 403), (too_many_forms, 429), (bug, 500)]
)
def test_it_offers_the_way_back(browser, mobile_app, meet, status):
    page = meet(browser)
    assert page.status_code == status
    soup = BeautifulSoup(page.content, "html.parser")
    assert soup.select_one(".actions a").get_text() == f"Continue to {mobile_app.name}"
    assert soup.select_one("button[value=deny]").get_text() == f"Back to {mobile_app.name}"
    assert callback(decide(browser, page, "deny"))["error"] == "access_denied"
    # CSP holds for the redirect that follows the form, too.
    directives = dict(one.strip().partition(" ")[::2] for one in page["Content-Security-Policy"].split(";"))
    assert set(form_action(mobile_app.redirect_uris.split()[0])) <= set(directives["form-action"].split())


def test_before_there_is_a_session_it_leads_on_to_the_consent(browser, mobile_app):
    """There, the user can deny. The form of the button would need a CSRF token."""
    page = control_character(browser)
    soup = BeautifulSoup(page.content, "html.parser")
    assert page.status_code == 400
    assert mobile_app.name in soup.select_one(".actions a").get_text()
    assert soup.select_one("form") is None


def test_another_browser_is_told_nothing_of_the_app(mobile_app, browser):
    page = Browser(raise_request_exception=False).get("/there-is-no-such-page").content.decode()
    assert mobile_app.name not in page


def test_it_keeps_its_status_without_the_way_back_if_the_rows_cannot_be_read(browser, mobile_app):
    with patch.object(StoredInteraction.objects, "select_related", side_effect=OperationalError):
        page = no_such_page(browser)
    assert page.status_code == 404
    assert mobile_app.name not in page.content.decode()


def test_without_an_app_on_the_way_it_asks_no_database(django_assert_num_queries):
    browser = Browser()
    with django_assert_num_queries(0):
        assert browser.get("/there-is-no-such-page").status_code == 404


@pytest.mark.parametrize("form", [{"login": "x" * 70_000}, {f"field{number}": "x" for number in range(1_001)}])
def test_a_form_that_is_too_large_is_named_so(browser, form):
    body = urlencode(form)
    page = browser.post("/accounts/login/", body, content_type="application/x-www-form-urlencoded")
    assert (page.status_code, BeautifulSoup(page.content, "html.parser").h1.text) == (413, "This is too large")
