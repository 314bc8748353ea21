"""“This wasn't me” ends everything at once, and only the owner of the mailbox gets in again."""

import re

import pytest
from django.test import Client as Browser

from oauth.models import AuditEvent, Authorization
from tests.lib.login import is_logged_in, log_in
from tests.lib.oauth_client import PASSWORD, allow

pytestmark = pytest.mark.django_db
PAGE = "/accounts/not-me/"


def test_each_event_leads_to_it(browser):
    assert browser.get("/accounts/").content.count(PAGE.encode()) >= 1
    assert b"We log out all browsers" in browser.get(PAGE).content


def test_every_browser_every_app_and_the_password_end(browser, alice, web_app, mobile_app, mailoutbox):
    thief = Browser()
    log_in(thief, alice.email)
    allow(browser, web_app, scope="openid accounts:read offline_access")
    allow(browser, mobile_app)
    answer = browser.post(PAGE)
    assert (answer.status_code, answer["Location"]) == (303, "/accounts/password/reset/done/")
    assert not is_logged_in(browser)
    assert not is_logged_in(thief)
    assert not Authorization.objects.live().exists()
    log_in(thief, alice.email)
    assert not is_logged_in(thief)
    alice.refresh_from_db()
    assert not alice.has_usable_password()
    assert AuditEvent.objects.filter(user=str(alice.pk), reason="secured").exists()
    [mail] = [one for one in mailoutbox if "/password/reset/key/" in one.body]
    assert mail.to == [alice.email]
    link = re.search(r"https?://\S+(/accounts/password/reset/key/\S+)", mail.body)[1]
    form = browser.get(link, follow=True)
    new = "another-correct-horse"
    browser.post(form.redirect_chain[-1][0], {"password1": new, "password2": new})
    alice.refresh_from_db()
    assert alice.check_password(new)


def test_it_takes_a_login_and_a_csrf_token_and_a_post(browser, alice):
    assert Browser().post(PAGE)["Location"].startswith("/accounts/login/")
    strict = Browser(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    assert strict.post(PAGE).status_code == 403
    browser.get(PAGE)
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
