"""Emails to the owners of user accounts. A failure to send one never stops the action."""

from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.core import mail
from django.test import Client as Browser
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import notices, tasks
from accounts.notices import notice
from oauth.conf import conf
from oauth.models import AuditEvent
from tests.lib.login import NEW_PASSWORD, is_logged_in, log_in, submit, try_password
from tests.lib.notices import told
from tests.lib.oauth_client import PASSWORD, TokenEndpoint, allow
from tests.lib.totp import SECRET, code

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock_stands")]


@pytest.fixture(autouse=True)
def nothing_waits(db):
    ProcrastinateJob.objects.all().delete()


def test_a_browser_that_logs_in_again_is_no_news_another_one_is(browser, alice):
    told()
    browser.post("/accounts/logout/")
    log_in(browser, alice.email)
    assert told() == []
    log_in(Browser(headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"}), alice.email)  # fmt: skip
    assert told(alice.email) == ["Your account: A new browser logged in to your account."]
    assert "Browser: Firefox on Linux" in mail.outbox[-1].body
    assert "IP address: 127.0.0.1" in mail.outbox[-1].body


def test_the_first_log_in_ever_is_no_news(alice):
    log_in(Browser(), alice.email)
    assert told() == []


def test_a_new_app_causes_one_notice(browser, alice, mobile_app):
    told()
    allow(browser, mobile_app)
    assert told(alice.email) == ["Your account: You allowed an app that had no access before: Example mobile."]
    allow(browser, mobile_app)
    assert told() == []


def test_a_token_that_was_used_twice_causes_a_notice(browser, alice, mobile_app, token_endpoint):
    tokens = token_endpoint.redeem(mobile_app, allow(browser, mobile_app, scope="accounts:read offline_access")).json()
    second = token_endpoint.refresh(mobile_app, tokens["refresh_token"]).json()
    token_endpoint.refresh(mobile_app, second["refresh_token"])
    told()
    with time_machine.travel(timezone.now() + conf.REFRESH_TOKEN_RETRY_WINDOW):
        assert TokenEndpoint().refresh(mobile_app, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert told(alice.email) == [
        "Your account: We removed the access of Example mobile: one of its tokens was used twice and may have been stolen."
    ]


def test_a_changed_password_causes_a_notice(browser, alice):
    told()
    submit(browser, "/accounts/password/change/", oldpassword=PASSWORD, password1=NEW_PASSWORD, password2=NEW_PASSWORD)
    assert told(alice.email) == ["Your account: Your password was changed."]


def test_a_new_or_removed_second_factor_causes_a_notice(browser, alice, django_capture_on_commit_callbacks):
    told()
    page = browser.get("/accounts/2fa/totp/activate/")
    assert page.status_code == 200
    secret = browser.session["mfa.totp.secret"]
    answer = code(secret)
    with django_capture_on_commit_callbacks(execute=True):
        browser.post("/accounts/2fa/totp/activate/", {"code": answer})
    assert Authenticator.objects.filter(user=alice, type="totp").exists()
    assert "Your account: An authenticator app was set up." in told(alice.email)
    browser.post("/accounts/2fa/totp/deactivate/")
    assert "Your account: The authenticator app was turned off." in told(alice.email)


def test_a_changed_email_causes_a_notice_to_the_old_one(browser, alice):
    alice.emailaddress_set.create(email="new@example.test", verified=True)
    told()
    browser.post("/accounts/email/", {"email": "new@example.test", "action_primary": ""})
    alice.refresh_from_db()
    assert alice.email == "new@example.test"
    assert told("alice@example.test") == ["Your account: The main email of your account was changed."]


def test_the_user_is_told_of_guessed_passwords_once_an_hour(alice):
    told()
    for _ in range(9):
        try_password(Browser(REMOTE_ADDR="203.0.113.9"), alice, "guess-number-one")
    assert told(alice.email) == ["Your account: Someone is trying passwords for your account. They did not get in."]
    assert "203.0.113.9" in mail.outbox[-1].body
    with time_machine.travel(timezone.now() + timedelta(minutes=30)):
        for _ in range(9):
            try_password(Browser(REMOTE_ADDR="203.0.113.9"), alice, "guess-number-one")
        assert told() == []
    with time_machine.travel(timezone.now() + timedelta(minutes=90)):
        for _ in range(9):
            try_password(Browser(REMOTE_ADDR="203.0.113.9"), alice, "guess-number-one")
        assert len(told(alice.email)) == 1


def test_a_stranger_learns_nothing_from_it(db):
    class Nobody:
        email = "nobody@example.test"

    for _ in range(9):
        try_password(Browser(REMOTE_ADDR="203.0.113.9"), Nobody, "guess-number-one")
    assert ProcrastinateJob.objects.filter(task_name=notice.TELL_OF_GUESSES).count() == 1  # the same work
    assert told() == []


def test_a_mail_server_that_is_down_holds_up_nobody(browser, alice, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    ProcrastinateJob.objects.all().delete()
    submit(browser, "/accounts/password/change/", oldpassword=PASSWORD, password1=NEW_PASSWORD, password2=NEW_PASSWORD)
    assert is_logged_in(browser)
    job = ProcrastinateJob.objects.get(task_name=notice.TELL)
    with pytest.raises(OSError, match="refused"):
        tasks.tell_owner(**job.args)
    assert tasks.tell_owner.retry_strategy.max_attempts == 5  # type: ignore[attr-defined]


def test_no_notice_and_no_event_holds_a_secret(browser, alice):
    TOTP.activate(alice, SECRET)
    browser.post("/accounts/logout/")
    log_in(browser, alice.email)
    browser.post("/accounts/2fa/authenticate/", {"code": code()})
    browser.post("/accounts/2fa/trust/", {"action": "skip"})
    assert is_logged_in(browser)
    kept = str([job.args for job in ProcrastinateJob.objects.all()]) + str(list(AuditEvent.objects.values()))
    for secret in (PASSWORD, SECRET, browser.session.session_key):
        assert secret not in kept


def test_a_notice_is_in_the_language_of_its_request(alice):
    ProcrastinateJob.objects.all().delete()
    notices.enqueue_notice("password_changed", alice)
    assert ProcrastinateJob.objects.get().args["language"] == "en-gb"


def test_a_deactivated_user_is_told_of_that_and_of_nothing_else(alice):
    notices.enqueue_notice("password_changed", alice)
    alice.is_active = False
    alice.save()
    assert told() == ["Your account: Your account was deactivated. All browsers and apps were logged out."]
