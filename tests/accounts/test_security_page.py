"""The security page: browsers, events, and the file with the user's data."""

import json
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from bs4 import BeautifulSoup
from django.test import Client as Browser
from django.utils import timezone

from oauth.models import Authorization, Session
from tests.lib.login import is_logged_in, log_in
from tests.lib.oauth_client import PASSWORD, allow

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


def text(browser, section):
    page = browser.get("/accounts/")
    assert page.status_code == 200
    return BeautifulSoup(page.content, "html.parser").select_one(f"section[aria-labelledby={section}]").get_text(" ")


@pytest.fixture
def elsewhere(browser, alice):
    """Alice is logged in on another browser as well."""
    other = Browser(headers={"User-Agent": FIREFOX}, REMOTE_ADDR="203.0.113.9")
    log_in(other, alice.email)
    assert is_logged_in(other)
    return other


def test_each_browser_stands_there_with_device_and_address(browser, elsewhere):
    said = text(browser, "sessions")
    assert "Firefox on Linux" in said
    assert "203.0.113.9" in said
    assert said.count("This browser") == 1


def test_logging_out_one_browser_ends_the_access_of_apps_that_depends_on_it(browser, elsewhere, mobile_app, web_app):
    allow(elsewhere, mobile_app, scope="accounts:read")
    allow(elsewhere, web_app, scope="accounts:read offline_access")
    theirs = UserSession.objects.get(user_agent=FIREFOX)
    answer = browser.post("/accounts/sessions/", {"session": theirs.pk})
    assert answer["Location"] == "/accounts/#sessions"
    assert not is_logged_in(elsewhere)
    assert is_logged_in(browser)
    assert Session.objects.get().end_reason == Session.EndReason.LOGOUT
    online, offline = Authorization.objects.order_by("created_at")
    assert not online.is_live
    assert offline.is_live


def test_a_new_secret_key_leaves_the_browsers_and_their_list_as_they_were(browser, elsewhere, settings):
    """ASVS 7.5.2. The key of a browser session stays the same: requests of the same moment need it, and so does the
    list of browsers, with which another browser logs this one out.
    """
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another-secret-key"
    at_the_same_moment = Browser()
    at_the_same_moment.cookies = elsewhere.cookies.copy()
    assert is_logged_in(elsewhere)
    assert is_logged_in(at_the_same_moment)
    settings.SECRET_KEY_FALLBACKS = []
    assert is_logged_in(elsewhere), "the session has a hash of the new key"
    log_in(browser, "alice@example.test")
    assert "Firefox on Linux" in text(browser, "sessions")
    browser.post("/accounts/sessions/")
    assert not is_logged_in(elsewhere)


def test_all_others_are_logged_out_at_once(browser, elsewhere, alice):
    third = Browser()
    log_in(third, alice.email)
    browser.post("/accounts/sessions/")
    assert [is_logged_in(one) for one in (browser, elsewhere, third)] == [True, False, False]


@pytest.mark.parametrize("wanted", ["0", "x", "9" * 30, "-1", ""])
def test_nobody_ends_the_session_of_somebody_else(browser, bob, wanted):
    theirs = Browser()
    log_in(theirs, bob.email)
    number = UserSession.objects.get(user=bob).pk
    browser.post("/accounts/sessions/", {"session": wanted})
    browser.post("/accounts/sessions/", {"session": number})
    assert is_logged_in(theirs)


def test_it_takes_a_csrf_token_and_a_log_in(alice, client):
    strict = Browser(enforce_csrf_checks=True)
    assert strict.post("/accounts/sessions/").status_code == 403
    for page in ("/accounts/", "/accounts/sessions/", "/accounts/data/"):
        assert client.get(page)["Location"].startswith("/accounts/login/")


def test_events_are_said_in_plain_words(browser, mobile_app):
    allow(browser, mobile_app)
    Authorization.objects.get().revoke(Authorization.RevocationReason.USER)
    said = text(browser, "events")
    for sentence in ("You logged in.", "You allowed Example mobile.", "Example mobile lost its access."):
        assert sentence in said


def test_only_ones_own_events_are_shown(browser, bob):
    log_in(Browser(REMOTE_ADDR="203.0.113.77"), bob.email)
    assert "203.0.113.77" not in text(browser, "events")


def test_the_page_costs_as_much_with_a_long_history(browser, mobile_app, django_assert_max_num_queries):
    for _ in range(15):
        allow(browser, mobile_app)
    with django_assert_max_num_queries(18):
        browser.get("/accounts/")


def test_the_file_holds_what_is_kept_and_no_secret(browser, alice, bob, mobile_app):
    from banking.models import Account

    Account.objects.filter(holder=alice).delete()
    allow(browser, mobile_app)
    Authenticator.objects.create(user=alice, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    answer = browser.get("/accounts/data/")
    body = b"".join(answer.streaming_content).decode()
    data = json.loads(body)
    assert answer["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert "no-store" in answer["Cache-Control"]
    assert data["profile"][0]["email"] == alice.email
    assert data["authorizations"][0]["client__client_id"] == mobile_app.client_id
    assert {"email_addresses", "browser_sessions", "log_ins", "events", "accounts", "transactions"} <= set(data)
    assert data["second_factors"][0]["type"] == "totp"
    for secret in ("JBSWY3DPEHPK3PXP", browser.session.session_key, alice.password, bob.email, PASSWORD):
        assert secret not in body


def test_the_file_needs_a_recent_proof(browser):
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert browser.get("/accounts/data/")["Location"] == "/accounts/reauthenticate/?next=%2Faccounts%2Fdata%2F"
        answer = browser.post("/accounts/reauthenticate/?next=/accounts/data/", {"password": PASSWORD})
        assert answer["Location"] == "/accounts/data/"
        assert browser.get("/accounts/data/").status_code == 200


@pytest.mark.parametrize("path", ["/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/"])
def test_what_changes_the_log_in_needs_a_recent_proof(browser, path):
    """ASVS 5.0 7.5.1: nobody can add a passkey in an unattended browser."""
    assert browser.get(path).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert browser.get(path)["Location"].startswith("/accounts/reauthenticate/")


def test_an_unattended_browser_adds_no_address(browser, alice):
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        answer = browser.post("/accounts/email/", {"email": "new@example.test", "action_add": ""})
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert alice.emailaddress_set.count() == 1


def test_a_code_by_email_is_no_recent_proof(browser):
    """ASVS 5.0 7.5.1: otherwise, somebody with the session and the mailbox could replace the second factor without
    having it.
    """
    assert browser.post("/accounts/reauthenticate/code/").status_code == 403
    assert browser.get("/accounts/reauthenticate/code/confirm/").status_code == 403
