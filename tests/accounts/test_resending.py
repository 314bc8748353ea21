"""“Send it again” works only after a wait, which the server enforces and the page shows. It is the same for each user
and each kind of email.
"""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client as Browser

from tests.lib.login import log_in, path_in, sign_up, submit
from tests.lib.pages import check
from tests.lib.web_bank import text

pytestmark = pytest.mark.django_db
SIGNED_UP, RESET, CODE = "/accounts/confirm-email/", "/accounts/password/reset/done/", "/accounts/login/code/confirm/"


@pytest.fixture
def clock():
    with time_machine.travel("2026-11-29T01:24:00+00:00", tick=False) as clock:
        yield clock


def again(browser, page):
    answer = browser.post(page, {"action": "resend"})
    assert answer.status_code == (302 if page == CODE and answer.status_code == 302 else 303)
    shown = browser.get(answer["Location"])
    check(shown)
    return shown


def ask_for_a_reset(browser, email):
    submit(browser, "/accounts/password/reset/", email=email)


def ask_for_a_code(browser, email):
    submit(browser, "/accounts/login/code/", email=email)
    browser.get(CODE)


ASK = {SIGNED_UP: sign_up, RESET: ask_for_a_reset, CODE: ask_for_a_code}


@pytest.mark.parametrize("page", ASK)
@pytest.mark.parametrize("email", ["alice@example.test", "nobody-has-this@example.test"])
def test_an_email_is_sent_again_after_the_wait_and_not_before(client, alice, clock, page, email):
    """ASVS 5.0 6.3.8: the answers are the same for an email with and without a user account."""
    ASK[page](client, email)
    sent = len(mail.outbox)
    assert sent == 1
    assert 'data-wait="60"' in client.get(page).content.decode()
    assert "You can ask again in 60 seconds." in text(client.get(page))
    assert "Wait 60 seconds, then ask again." in again(client, page).content.decode()
    clock.shift(59)
    assert "Wait 1 second, then ask again." in again(client, page).content.decode()
    assert len(mail.outbox) == sent
    clock.shift(1)
    assert "data-wait" not in client.get(page).content.decode()
    shown = again(client, page)
    # an unknown address gets one email, which says that it has no user account
    if page != CODE or email == alice.email:
        assert len(mail.outbox) == sent + 1
    assert "Wait" not in text(shown)
    assert 'data-wait="120"' in shown.content.decode()


def test_the_page_after_sign_up_says_the_same_for_an_email_that_is_taken(alice, clock):
    """ASVS 5.0 6.3.8."""
    pages = []
    for email in (alice.email, "new@example.test"):
        browser = Browser()
        sign_up(browser, email)
        clock.shift(60)
        page = again(browser, SIGNED_UP).content.decode()
        pages.append(re.sub(r'value="[^"]{20,}"', "", page).replace(email, ""))
    assert pages[0] == pages[1]
    assert [one.subject for one in mail.outbox] == [
        *["You already have an account"] * 2, *["Confirm your email address"] * 2,
    ]  # fmt: skip


def test_the_link_that_was_sent_again_confirms(client, clock):
    sign_up(client)
    clock.shift(60)
    again(client, SIGNED_UP)
    client.post(path_in(mail.outbox[1]))
    assert log_in(client, "new@example.test", "another-horse-entirely").status_code == 302


def test_the_code_that_was_sent_again_is_the_one_that_counts(client, alice, clock):
    ask_for_a_code(client, alice.email)
    clock.shift(60)
    again(client, CODE)
    first, second = (re.search(r"^[A-Z0-9]{3,}-?[A-Z0-9]*$", one.body, re.M)[0] for one in mail.outbox)
    assert client.post(CODE, {"code": first}).status_code == 200
    assert client.post(CODE, {"code": second}).status_code == 302


@pytest.mark.parametrize("page", [SIGNED_UP, RESET])
def test_a_browser_that_asked_for_nothing_gets_nothing(client, page):
    assert "again" not in text(client.get(page)).replace("we send the link again", "")
    assert client.post(page, {"action": "resend"}).status_code == 303
    assert not mail.outbox


def test_another_email_waits_for_nothing(client, alice, bob, clock):
    ask_for_a_reset(client, alice.email)
    ask_for_a_reset(client, bob.email)
    assert 'data-wait="60"' in client.get(RESET).content.decode()
    clock.shift(timedelta(seconds=60))
    again(client, RESET)
    assert mail.outbox[-1].to == [bob.email]


def test_the_wait_doubles(client, alice, clock):
    ask_for_a_reset(client, alice.email)
    for wait in (60, 120, 240, 480):
        assert f'data-wait="{wait}"' in client.get(RESET).content.decode()
        clock.shift(wait)
        again(client, RESET)
    assert len(mail.outbox) == 5


def test_after_this_was_not_me_the_link_can_be_sent_again(browser, alice, clock):
    browser.post("/accounts/not-me/")
    clock.shift(60)
    again(browser, RESET)
    assert len({one.body for one in mail.outbox if one.to == [alice.email]}) >= 1
    assert len([one for one in mail.outbox if "password" in one.subject.lower()]) == 2
