"""Login by email code, second factor and trusted browser: which acr each gets, and how guessing is limited."""

from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from bs4 import BeautifulSoup
from django.conf import settings
from django.contrib.sessions.models import Session as BrowserSession
from django.test import Client as Browser
from django.utils import timezone

from tests.lib.login import ask_for_code, code_in, enter, is_logged_in, log_in
from tests.lib.oauth_client import PASSWORD, allow, authorization_url, decoded
from tests.lib.totp import MFA, PWD, SECRET, code

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock_stands")]
JOURNEY = ["/accounts/login/", "/accounts/signup/", "/accounts/login/code/", "/accounts/password/reset/"]


@pytest.fixture
def totp(alice):
    return TOTP.activate(alice, SECRET).instance


@pytest.fixture
def context(web_app, token_endpoint):
    """Returns acr and amr of a token that the user of this browser allows."""

    def of(browser):
        token = token_endpoint.redeem(web_app, allow(browser, web_app, scope="openid")).json()["access_token"]
        return decoded(token)["acr"], decoded(token)["amr"]

    return of


# --- a code by email


def test_a_code_by_mail_lets_in_and_is_no_second_factor(client, alice, mailoutbox, context):
    ask_for_code(client, alice.email)
    enter(client, code_in(mailoutbox[-1]))
    assert is_logged_in(client)
    assert context(client) == (PWD, ["email"])


def test_a_code_by_mail_does_not_go_around_the_second_factor(client, alice, totp, mailoutbox, context):
    ask_for_code(client, alice.email)
    assert enter(client, code_in(mailoutbox[-1]))["Location"] == "/accounts/2fa/authenticate/"
    assert not is_logged_in(client)
    client.post("/accounts/2fa/authenticate/", {"code": code()})
    client.post("/accounts/2fa/trust/", {"action": "skip"})
    assert context(client) == (MFA, ["email", "mfa", "otp"])


def test_nobody_learns_from_it_who_has_an_account(alice, mailoutbox):
    """ASVS 5.0 6.3.8: in both cases, the page is the same and the address gets an email."""
    answers = [ask_for_code(Browser(), email) for email in (alice.email, "nobody@example.test")]
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(302, "/accounts/login/code/confirm/")}
    assert [mail.to for mail in mailoutbox] == [[alice.email], ["nobody@example.test"]]


def test_a_code_is_guessed_at_three_times(client, alice, mailoutbox):
    ask_for_code(client, alice.email)
    for _ in range(3):
        enter(client, "WRNG-WRNG")
    enter(client, code_in(mailoutbox[-1]))
    assert not is_logged_in(client)


def test_a_code_is_good_for_ten_minutes_in_the_browser_that_asked(alice, mailoutbox):
    asked, other = Browser(), Browser()
    ask_for_code(asked, alice.email)
    enter(other, code_in(mailoutbox[-1]))
    assert not is_logged_in(other)
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        enter(asked, code_in(mailoutbox[-1]))
        assert not is_logged_in(asked)


def test_codes_by_mail_are_no_way_to_flood_somebody(alice, mailoutbox):
    for _ in range(9):
        ask_for_code(Browser(), alice.email)
    assert len(mailoutbox) == 3


# --- the second factor


def test_a_recovery_code_stands_in_once(alice, totp, context):
    recovery = RecoveryCodes.activate(alice).get_unused_codes()[0]
    for is_let_in in (True, False):
        browser = Browser()
        log_in(browser, alice.email)
        browser.post("/accounts/2fa/authenticate/", {"code": recovery})
        browser.post("/accounts/2fa/trust/", {"action": "skip"})
        assert is_logged_in(browser) is is_let_in
        if is_let_in:
            assert context(browser) == (MFA, ["mfa", "otp", "pwd"])


def test_a_code_of_the_app_works_once(alice, totp):
    """RFC 6238 §5.2."""
    once = code()
    for is_let_in in (True, False):
        browser = Browser()
        log_in(browser, alice.email)
        browser.post("/accounts/2fa/authenticate/", {"code": once})
        browser.post("/accounts/2fa/trust/", {"action": "skip"})
        assert is_logged_in(browser) is is_let_in


def test_guessing_at_the_second_factor_is_stopped_even_when_the_guess_is_right_at_last(alice, totp):
    """ASVS 5.0 6.6.3: guesses count over all browsers together, because whoever guesses here already knows the
    password.
    """
    for _ in range(6):
        browser = Browser()
        log_in(browser, alice.email)
        browser.post("/accounts/2fa/authenticate/", {"code": "000000"})
    browser.post("/accounts/2fa/authenticate/", {"code": code()})
    browser.post("/accounts/2fa/trust/", {"action": "skip"})
    assert not is_logged_in(browser)


def test_a_user_before_the_second_step_is_not_logged_in(client, alice, totp, mobile_app):
    log_in(client, alice.email)
    assert not is_logged_in(client)
    for page in ("/accounts/", "/accounts/data/", "/oauth/apps", "/accounts/2fa/", authorization_url(mobile_app)):
        assert "/accounts/login/" in client.get(page)["Location"]


def test_the_second_step_offers_a_passkey_to_a_user_who_has_one(client, alice, totp):
    log_in(client, alice.email)
    page = BeautifulSoup(client.get("/accounts/2fa/authenticate/").content, "html.parser")
    assert page.select_one("[name=code]")
    assert not page.select("[data-passkey]")


# --- a trusted browser


def test_a_trusted_browser_skips_the_second_step_and_claims_none(alice, totp, context):
    browser = Browser()
    log_in(browser, alice.email)
    browser.post("/accounts/2fa/authenticate/", {"code": code()})
    browser.post("/accounts/2fa/trust/", {"action": "trust"})
    assert context(browser) == (MFA, ["mfa", "otp", "pwd"])
    browser.post("/accounts/logout/")
    log_in(browser, alice.email)
    assert is_logged_in(browser)
    assert context(browser) == (PWD, ["pwd"])


def test_an_app_that_needs_two_factors_gets_them_from_a_trusted_browser_too(alice, totp, web_app):
    browser = Browser()
    log_in(browser, alice.email)
    browser.post("/accounts/2fa/authenticate/", {"code": code()})
    browser.post("/accounts/2fa/trust/", {"action": "trust"})
    browser.post("/accounts/logout/")
    log_in(browser, alice.email)
    answer = browser.get(authorization_url(web_app, scope="openid", acr_values=MFA))
    assert answer["Location"].startswith("/accounts/stronger/")


def test_trust_is_this_users_in_this_browser_and_ends_with_a_new_password(alice, bob, totp):
    browser = Browser()
    log_in(browser, alice.email)
    browser.post("/accounts/2fa/authenticate/", {"code": code()})
    browser.post("/accounts/2fa/trust/", {"action": "trust"})
    browser.post("/accounts/logout/")
    TOTP.activate(bob, SECRET)
    log_in(browser, bob.email)
    assert not is_logged_in(browser)
    browser.post("/accounts/logout/")
    alice.set_password("another-horse-entirely")
    alice.save()
    log_in(browser, alice.email, "another-horse-entirely")
    assert not is_logged_in(browser)


# --- rules for all ways to log in


@pytest.mark.parametrize("path", JOURNEY)
def test_each_page_says_which_app_is_asking_and_where_it_returns_to(client, mobile_app, path):
    client.get(authorization_url(mobile_app))
    html = client.get(path).content.decode()
    assert "Example mobile" in html
    assert "app.example" in html


def test_the_pages_for_codes_and_second_factors_name_the_app_too(client, alice, mobile_app, totp):
    by_code = Browser()
    by_code.get(authorization_url(mobile_app))
    ask_for_code(by_code, alice.email)
    assert "Example mobile" in by_code.get("/accounts/login/code/confirm/").content.decode()
    client.get(authorization_url(mobile_app))
    log_in(client, alice.email)
    assert "Example mobile" in client.get("/accounts/2fa/authenticate/").content.decode()
    client.post("/accounts/2fa/authenticate/", {"code": code()})
    assert "Example mobile" in client.get("/accounts/2fa/trust/").content.decode()
    client.post("/accounts/2fa/trust/", {"action": "skip"})
    for page in ("/accounts/reauthenticate/", "/accounts/2fa/reauthenticate/"):
        assert "Example mobile" in client.get(page).content.decode(), page


@pytest.mark.parametrize("way", ["code", "second factor"])
def test_the_session_key_changes_with_the_log_in(client, alice, mailoutbox, way):
    """Session fixation: a session id from before the login is useless after it."""
    if way == "second factor":
        TOTP.activate(alice, SECRET)
        log_in(client, alice.email)
    else:
        ask_for_code(client, alice.email)
    planted = client.session.session_key
    if way == "second factor":
        client.post("/accounts/2fa/authenticate/", {"code": code()})
        client.post("/accounts/2fa/trust/", {"action": "skip"})
    else:
        enter(client, code_in(mailoutbox[-1]))
    assert is_logged_in(client)
    assert client.session.session_key != planted
    assert not BrowserSession.objects.filter(pk=planted).exists()


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_no_page_leads_to_another_site(browser, client, alice, totp, mailoutbox, target):
    """RFC 9700 §4.11."""
    answer = browser.post(f"/accounts/reauthenticate/?next={target}", {"password": PASSWORD, "next": target})
    assert answer["Location"] == "/"
    log_in(client, alice.email, next=target)
    client.post("/accounts/2fa/authenticate/", {"code": code(), "next": target})
    assert client.post("/accounts/2fa/trust/", {"action": "skip", "next": target})["Location"] == "/"
    assert browser.post(f"/accounts/logout/?next={target}", {"next": target})["Location"] == "/"


def test_no_password_lies_in_the_session(alice, totp):
    browser = Browser()
    log_in(browser, alice.email)
    sessions = [session.get_decoded() for session in BrowserSession.objects.all()]
    assert sessions
    assert PASSWORD not in str(sessions)


@pytest.mark.parametrize("page", ["/accounts/", "/accounts/2fa/", "/accounts/2fa/totp/activate/", "/accounts/email/"])
def test_private_pages_are_kept_by_no_cache_and_shown_in_no_frame(browser, page):
    answer = browser.get(page)
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path", ["login/code/", "2fa/webauthn/login/", "2fa/authenticate/", "oidc/x/login/", "signup/"]
)
def test_every_way_in_needs_its_csrf_token(path):
    """Login CSRF: nobody can be logged in to an attacker's user account without noticing."""
    assert Browser(enforce_csrf_checks=True).post(f"/accounts/{path}", {"email": "x@y.test"}).status_code == 403


def test_the_log_in_page_offers_passkeys_in_its_address_field(client):
    html = BeautifulSoup(client.get("/accounts/login/").content, "html.parser")
    assert html.select_one("input[name=login]")["autocomplete"] == "username webauthn"


def test_a_challenge_for_a_passkey_is_fresh_each_time_and_needed(client, alice):
    challenges = {
        client.get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"}).json()["request_options"][
            "publicKey"
        ]["challenge"]
        for _ in range(2)
    }
    assert len(challenges) == 2
    for credential in ("{}", "[]", "null", "x", '{"response": {"userHandle": 1}}', '{"response": []}'):
        assert client.post("/accounts/2fa/webauthn/login/", {"credential": credential}).status_code == 302
    assert not is_logged_in(client)


def test_a_passkey_that_checks_nobody_is_not_added(browser, alice):
    """The form requires `passwordless`, so allauth requires that the device has verified the user."""
    browser.get("/accounts/2fa/webauthn/add/")
    browser.post("/accounts/2fa/webauthn/add/", {"name": "x", "credential": "{}", "passwordless": ""})
    assert not Authenticator.objects.exists()
    assert settings.MFA_FORMS["add_webauthn"]
