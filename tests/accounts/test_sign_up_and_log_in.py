"""Sign-up, email verification, login, logout and password reset, through the real forms."""

import re
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.usersessions.models import UserSession
from bs4 import BeautifulSoup
from django.conf import settings
from django.contrib.sessions.models import Session as BrowserSession
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.addresses.forms import NewUserForm
from accounts.browsers import known_device
from accounts.login import after_response, guessing
from accounts.models import User
from oauth.infrastructure.rate_limits import Limit
from oauth.models import AuditEvent
from tests.lib.login import NEW_PASSWORD, is_logged_in, log_in, logged_in, path_in, sign_up, submit, try_password
from tests.lib.oauth_client import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock_stands")]


def test_a_user_signs_up_verifies_and_logs_in(client, mailoutbox):
    sign_up(client)
    assert not is_logged_in(client)
    assert log_in(client, "new@example.test", NEW_PASSWORD)["Location"] == "/accounts/confirm-email/"
    assert not is_logged_in(client)
    confirm = path_in(mailoutbox[0])
    submit(client, confirm)
    log_in(client, "new@example.test", NEW_PASSWORD)
    assert is_logged_in(client)
    user = User.objects.get()
    assert (user.email, user.name) == ("new@example.test", "New Person")
    assert user.password.startswith("argon2$argon2id$")


def test_two_sign_ups_at_once_make_one_user(client, mailoutbox, monkeypatch):
    """Each finds the email unused. The second click of a double click gets the same page as the first one."""
    save = NewUserForm.try_save

    def save_second(form, request):
        User.objects.get_or_create(email=form.cleaned_data["email"])
        return save(form, request)

    monkeypatch.setattr(NewUserForm, "try_save", save_second)
    answer = sign_up(client)
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/confirm-email/")
    assert User.objects.count() == 1


def test_a_second_click_on_confirm_gets_the_page_of_a_used_link(client, mailoutbox):
    sign_up(client)
    link = path_in(mailoutbox[0])
    assert submit(client, link).status_code == 302
    answer = client.post(link)
    assert answer.status_code == 200
    assert "It has already been used" in answer.content.decode()


def test_a_forgotten_password_is_replaced_and_other_browsers_are_logged_out(client, alice, browser, mailoutbox):
    submit(client, "/accounts/password/reset/", email=alice.email)
    to_form = client.get(path_in(mailoutbox[0]))
    submit(client, to_form["Location"], password1=NEW_PASSWORD, password2=NEW_PASSWORD)
    log_in(client, alice.email, NEW_PASSWORD)
    assert is_logged_in(client)
    assert not is_logged_in(browser)


def test_a_reset_link_works_once(client, alice, mailoutbox):
    submit(client, "/accounts/password/reset/", email=alice.email)
    link = path_in(mailoutbox[0])
    submit(client, client.get(link)["Location"], password1=NEW_PASSWORD, password2=NEW_PASSWORD)
    assert Browser().get(link).status_code == 200  # the page that reports the invalid link, not a redirect to the form


def test_nobody_learns_who_has_an_account(client, alice, mailoutbox):
    """ASVS 5.0 6.3.8."""
    known = submit(client, "/accounts/password/reset/", email=alice.email)
    unknown = submit(client, "/accounts/password/reset/", email="nobody@example.test")
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    taken = sign_up(Browser(), alice.email)
    fresh = sign_up(Browser(), "fresh@example.test")
    assert (taken.status_code, taken["Location"]) == (fresh.status_code, fresh["Location"])
    wrong = log_in(Browser(), alice.email, "wrong-password-wrong").content
    missing = log_in(Browser(), "nobody@example.test", "wrong-password-wrong").content

    def errors(html):
        return BeautifulSoup(html, "html.parser").select_one(".errorlist").text

    assert errors(wrong) == errors(missing)


@pytest.mark.parametrize("host", ["localhost:9", "127.0.0.1"])
def test_links_in_mails_do_not_follow_the_host_header(alice, mailoutbox, host):
    """ZITADEL CVE-2025-64101."""
    browser = Browser(headers={"Host": host, "X-Forwarded-Host": "evil.example"})
    browser.post("/accounts/password/reset/", {"email": alice.email})
    assert path_in(mailoutbox[0])
    assert "evil" not in mailoutbox[0].body
    assert host not in mailoutbox[0].body


def test_an_unknown_host_is_refused(client):
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http://localhost:8000/x",
        "\thttps://evil.example",
    ],
)
def test_a_login_redirects_only_to_paths_of_this_site(client, alice, target):
    """RFC 9700 §4.11."""
    answer = log_in(client, alice.email, next=target)
    assert answer["Location"] == "/"


def test_log_in_goes_on_where_it_was_asked(client, alice):
    assert log_in(client, alice.email, next="/accounts/email/")["Location"] == "/accounts/email/"


@pytest.mark.parametrize("spelling", ["ALICE@example.test", "Alice@Example.TEST", " alice@example.test "])
def test_an_address_in_other_spellings_is_the_same_account(client, alice, spelling):
    """The email is normalized (NFKC, lower case) when it is saved and when it is looked up."""
    log_in(client, spelling)
    assert is_logged_in(client)
    sign_up(Browser(), spelling)
    assert User.objects.count() == 1


def test_a_look_alike_address_is_no_second_account(client, alice):
    sign_up(client, "ａｌｉｃｅ@example.test")
    assert User.objects.get() == alice


def test_log_out_needs_a_post(browser):
    browser.get("/accounts/logout/")
    assert is_logged_in(browser)
    browser.post("/accounts/logout/")
    assert not is_logged_in(browser)


def test_log_in_needs_its_csrf_token(alice):
    browser = Browser(enforce_csrf_checks=True)
    answer = browser.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert answer.status_code == 403
    assert "expired" in answer.content.decode()


def test_the_session_key_changes_at_log_in(client, alice):
    """ZITADEL CVE-2024-28197: session fixation."""
    client.get("/accounts/login/")
    session = client.session
    session["something"] = 1
    session.save()
    before = client.cookies[settings.SESSION_COOKIE_NAME].value if client.cookies else session.session_key
    log_in(client, alice.email)
    assert client.session.session_key != before
    assert not BrowserSession.objects.filter(pk=before).exists()


def test_a_log_in_takes_no_more_statements_for_the_browsers_before_it(alice):
    """allauth would read each of the user's sessions, with three statements each."""
    for _ in range(2):
        log_in(Browser(), alice.email)

    def statements():
        """Returns the smallest count of three logins, because a rate limit writes its count at some logins."""
        counts = []
        for _ in range(3):
            with CaptureQueriesContext(connection) as captured:
                log_in(Browser(), alice.email)
            counts.append(len(captured))
        return min(counts)

    first = statements()
    for _ in range(4):
        log_in(Browser(), alice.email)
    assert statements() == first
    assert UserSession.objects.filter(user=alice).count() == 12


def test_a_log_in_forgets_the_browsers_whose_session_has_run_out(alice):
    log_in(Browser(), alice.email)
    with time_machine.travel(timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE + 1)):
        log_in(Browser(), alice.email)
        [kept] = UserSession.objects.filter(user=alice)
        assert BrowserSession.objects.get(pk=kept.session_key).expire_date > timezone.now()


def test_a_deactivated_user_cannot_log_in_and_is_logged_out(browser, alice):
    alice.is_active = False
    alice.save()
    assert not is_logged_in(browser)
    log_in(browser, alice.email)
    assert not is_logged_in(browser)


@pytest.mark.parametrize("password", ["short", "password1234", "new@example.test", "123456789012"])
def test_weak_passwords_are_refused(client, password):
    """ASVS 5.0 6.2.1, 6.2.4."""
    answer = submit(client, "/accounts/signup/", email="new@example.test", password1=password, password2=password)
    assert answer.status_code == 200
    assert not User.objects.exists()


def test_a_name_with_a_letter_that_turns_the_text_is_refused(client):
    answer = submit(
        client, "/accounts/signup/", email="new@example.test", password1=NEW_PASSWORD, password2=NEW_PASSWORD,
        name="Bank \u202eecila",
    )  # fmt: skip
    assert "invisible character" in answer.content.decode()
    assert not User.objects.exists()


def test_the_admin_is_entered_through_the_same_log_in(client):
    assert client.get("/admin/login/")["Location"].startswith("/accounts/login/")


# --- guessing passwords: ASVS 5.0 6.3.1


def test_guessing_is_slowed_down_and_locks_out_nobody_else(alice):
    """Failures of a stranger count only against the stranger."""
    stranger, owner = Browser(REMOTE_ADDR="203.0.113.9"), Browser(REMOTE_ADDR="198.51.100.7")
    results = [try_password(stranger, alice, "guess-number-one") for _ in range(6)]
    assert results == ["wrong"] * 5 + ["code"]
    assert try_password(owner, alice, PASSWORD) == "in"


def test_a_right_guess_looks_like_a_wrong_one_after_too_many(alice, mailoutbox):
    """Pages, status codes and response times are the same for both, and neither is logged in."""
    guesser = Browser(REMOTE_ADDR="203.0.113.9")
    for _ in range(5):
        try_password(guesser, alice, "guess-number-one")

    def seen(password):
        browser = Browser(REMOTE_ADDR="203.0.113.9")
        first = browser.post("/accounts/login/", {"login": alice.email, "password": password})
        page = browser.get(first["Location"])
        said = BeautifulSoup(page.content, "html.parser").select_one("main").get_text(" ", strip=True)
        assert not is_logged_in(browser)
        return first.status_code, first["Location"], sorted(first.cookies), page.status_code, said

    wrong = seen("guess-number-two")
    assert not mailoutbox
    right = seen(PASSWORD)
    assert right == wrong
    assert "If yours is correct" in right[-1]
    assert [mail.to for mail in mailoutbox] == [[alice.email]]


def test_the_mail_of_a_right_guess_is_sent_after_the_answer(alice, mailoutbox, rf, monkeypatch):
    """Sending takes longer than the rest of the request, so the response time would reveal the right guess."""
    browser = Browser(REMOTE_ADDR="203.0.113.9")
    for _ in range(5):
        try_password(browser, alice, "guess-number-one")
    waiting = []
    monkeypatch.setattr(after_response, "do_after_response", lambda request, work: waiting.append(work))
    assert try_password(browser, alice, PASSWORD) == "code"
    assert not mailoutbox
    assert len(waiting) == 1


@pytest.mark.parametrize("where", ["203.0.113.9", "198.51.100.7"])
def test_the_right_password_is_never_refused_whatever_strangers_did(alice, mailoutbox, monkeypatch, where):
    """On a new browser, at the stranger's own IP address or another one, the owner gets in with the code from the
    mailbox.
    """
    monkeypatch.setattr(guessing, "OF_STRANGERS", Limit("strangers", 6, seconds=3600))
    for _ in range(9):
        try_password(Browser(REMOTE_ADDR="203.0.113.9"), alice, "guess-number-one")
        submit(Browser(REMOTE_ADDR="203.0.113.9"), "/accounts/password/reset/", email=alice.email)
    mailoutbox.clear()
    owner = Browser(REMOTE_ADDR=where)
    assert try_password(owner, alice, PASSWORD) == "code"
    [code] = re.findall(r"^[A-Z0-9]{4,}(?:-[A-Z0-9]+)*$", mailoutbox[-1].body, re.MULTILINE)
    owner.post("/accounts/login/code/confirm/", {"code": code})
    assert is_logged_in(owner)


def test_after_the_code_the_second_factor_is_still_asked_for(alice, mailoutbox):
    TOTP.activate(alice, generate_totp_secret())
    browser = Browser(REMOTE_ADDR="203.0.113.9")
    for _ in range(5):
        try_password(browser, alice, "guess-number-one")
    try_password(browser, alice, PASSWORD)
    [code] = re.findall(r"^[A-Z0-9]{4,}(?:-[A-Z0-9]+)*$", mailoutbox[-1].body, re.MULTILINE)
    answer = browser.post("/accounts/login/code/confirm/", {"code": code})
    assert answer["Location"].startswith("/accounts/2fa/authenticate/")
    assert not is_logged_in(browser)


def test_a_code_page_after_a_wrong_password_takes_no_code(alice):
    browser = Browser(REMOTE_ADDR="203.0.113.9")
    for _ in range(6):
        try_password(browser, alice, "guess-number-one")
    for code in ("", "None", "ABCD-EFGH"):
        browser.post("/accounts/login/code/confirm/", {"code": code})
        assert not is_logged_in(browser)


def test_failures_of_a_neighbour_refuse_nobodys_right_password(alice, bob):
    """Several users share one IP address, as in an office or a mobile network."""
    for number in range(12):
        log_in(Browser(), f"x{number}@example.test", "guess-number-one")
    assert try_password(Browser(), bob, PASSWORD) == "code"


def test_a_botnet_is_slowed_down_and_the_owners_browser_is_not(alice, monkeypatch):
    monkeypatch.setattr(guessing, "OF_STRANGERS", Limit("strangers", 4, seconds=3600))
    owner = Browser(REMOTE_ADDR="198.51.100.7")
    assert try_password(owner, alice, PASSWORD) == "in"
    owner.post("/accounts/logout/")
    for number in range(4):
        assert try_password(Browser(REMOTE_ADDR=f"203.0.113.{number}"), alice, "guess-number-one") == "wrong"
    assert try_password(Browser(REMOTE_ADDR="203.0.113.99"), alice, PASSWORD) == "code"
    assert try_password(owner, alice, PASSWORD) == "in"


def test_guessing_at_a_browser_that_is_logged_in_is_stopped(browser):
    with time_machine.travel(timezone.now() + timedelta(minutes=20)):
        for _ in range(5):
            browser.post("/accounts/reauthenticate/", {"password": "guess-number-one"})
        answer = browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
        assert answer.status_code == 200
        assert b"Too many" in answer.content


def test_a_device_cookie_is_its_owners_and_cannot_be_made_up(alice, bob, rf):
    browser = Browser()
    try_password(browser, alice, PASSWORD)
    request = rf.get("/")
    request.COOKIES[known_device.COOKIE] = browser.cookies[known_device.COOKIE].value
    assert known_device.device_of(request, alice.email)
    assert known_device.device_of(request, bob.email) is None
    assert known_device.is_of(request, alice)
    assert not known_device.is_of(request, bob)
    request.COOKIES[known_device.COOKIE] += "x"
    assert known_device.device_of(request, alice.email) is None


def test_a_browser_that_is_logged_in_for_a_test_is_as_the_page_leaves_it(alice, bob):
    """Most tests use `logged_in` instead of the page. Session, rows and cookies are the same except for keys and
    times.
    """
    by_page = Browser()
    by_page.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert traces(logged_in(bob), bob) == traces(by_page, alice)


def traces(browser, user):
    user.refresh_from_db()
    [listed] = UserSession.objects.filter(user=user).values("ip", "user_agent", "data", "session_key")
    [event] = AuditEvent.objects.filter(user=user.pk).values(
        "action", "endpoint", "address", "actor", "client", "reason"
    )
    assert listed.pop("session_key") == browser.session.session_key
    session = dict(browser.session.items())
    [record] = session["account_authentication_methods"]
    own = {"_auth_user_id": str(user.pk), "_auth_user_hash": user.get_session_auth_hash()}
    assert session.items() >= own.items()
    assert record["email"] == user.email
    assert abs(record["at"] - user.last_login.timestamp()) < 60
    assert is_logged_in(browser)
    names = sorted({*browser.cookies} - {settings.CSRF_COOKIE_NAME})
    same = session["_auth_user_backend"], session["_session_expiry"], record["method"]
    return session.keys(), record.keys(), same, listed, event, user.language, names
