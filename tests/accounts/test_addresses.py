"""The owner of an email address keeps it, whoever else enters it; and what a stranger can learn or cause with it."""

import statistics
import time

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.passwords.argon2 import Argon2PasswordHasher
from tests.lib.login import NEW_PASSWORD, ask_for_code, code_in, enter, is_logged_in, log_in, path_in, sign_up, submit
from tests.lib.oauth_client import PASSWORD

pytestmark = pytest.mark.django_db
VICTIM = "victim@example.test"


@pytest.fixture
def claim(alice):
    """Alice, a stranger to the victim, has added the victim's address and cannot confirm it."""
    return alice.emailaddress_set.create(email=VICTIM, verified=False)


# --- an unverified secondary address has no effect


def test_a_claim_of_another_user_does_not_affect_the_owner_of_the_email(claim, alice, mailoutbox):
    owner = Browser()
    sign_up(owner, VICTIM)
    assert not EmailAddress.objects.filter(pk=claim.pk).exists()
    submit(owner, path_in(mailoutbox[-1]))
    log_in(owner, VICTIM, NEW_PASSWORD)
    assert is_logged_in(owner)
    assert User.objects.get(email=VICTIM) != alice


def test_opening_the_link_of_somebody_else_logs_nobody_out(browser, mailoutbox):
    """A stranger could send such a link to log a user out, which also ends the access of apps to this login."""
    sign_up(Browser(), VICTIM)
    link = path_in(mailoutbox[-1])
    assert VICTIM in browser.get(link).content.decode()
    assert is_logged_in(browser)
    browser.post(link)
    assert EmailAddress.objects.get(email=VICTIM).verified
    assert not is_logged_in(browser)


def test_no_link_is_sent_for_an_address_that_is_confirmed(browser, alice, mailoutbox):
    """Such a link is refused as used."""
    page = browser.get("/accounts/email/")
    assert "Send the link again" not in page.content.decode()
    answer = browser.post("/accounts/email/", {"email": alice.email, "action_send": ""}, follow=True)
    assert f"{alice.email} is confirmed already." in answer.content.decode()
    assert not mailoutbox


def test_a_link_is_sent_again_for_an_address_that_is_not(claim, browser, mailoutbox):
    assert "Send the link again" in browser.get("/accounts/email/").content.decode()
    browser.post("/accounts/email/", {"email": claim.email, "action_send": ""})
    assert [message.to for message in mailoutbox] == [[VICTIM]]


@pytest.mark.parametrize("email", [VICTIM, VICTIM.upper(), f" {VICTIM}"])
def test_a_claim_lets_nobody_in(claim, email):
    browser = Browser()
    log_in(browser, email, PASSWORD)
    assert not is_logged_in(browser)


def test_a_claim_gets_no_reset_link_and_no_code(claim, mailoutbox):
    submit(Browser(), "/accounts/password/reset/", email=VICTIM)
    ask_for_code(Browser(), VICTIM)
    assert len(mailoutbox) == 2
    for mail in mailoutbox:
        assert "/reset/key/" not in mail.body
        assert "/accounts/signup/" in mail.body


def test_a_verified_address_is_removed_from_other_users(claim, bob, mailoutbox):
    owner = Browser()
    log_in(owner, bob.email)
    submit(owner, "/accounts/email/", email=VICTIM, action_add="")
    submit(owner, path_in(mailoutbox[-1]))
    assert [one.user for one in EmailAddress.objects.filter(email=VICTIM)] == [bob]


def test_a_main_address_that_is_not_verified_yet_still_logs_in_to_be_verified(client, mailoutbox):
    sign_up(client, VICTIM)
    assert log_in(Browser(), VICTIM, NEW_PASSWORD)["Location"] == "/accounts/confirm-email/"
    submit(Browser(), "/accounts/password/reset/", email=VICTIM)
    assert "/reset/key/" in mailoutbox[-1].body


def test_the_password_of_a_user_who_signed_up_with_the_address_of_another_is_void(mailoutbox):
    """A pre-hijacked account: the owner of the mailbox logs in by code, and the user who signed up loses access."""
    sign_up(Browser(), VICTIM)
    maker = User.objects.get(email=VICTIM)
    SocialAccount.objects.create(user=maker, provider="acme", uid="mallory")
    owner = Browser()
    ask_for_code(owner, VICTIM)
    enter(owner, code_in(mailoutbox[-1]))
    assert is_logged_in(owner)
    thief = Browser()
    log_in(thief, VICTIM, NEW_PASSWORD)
    assert not is_logged_in(thief)
    assert not SocialAccount.objects.exists()


def test_a_reset_of_a_user_who_never_logged_in_cuts_what_its_maker_connected(client, mailoutbox):
    sign_up(Browser(), VICTIM)
    SocialAccount.objects.create(user=User.objects.get(email=VICTIM), provider="acme", uid="mallory")
    submit(client, "/accounts/password/reset/", email=VICTIM)
    to_form = client.get(path_in(mailoutbox[-1]))
    submit(client, to_form["Location"], password1="yet-another-horse", password2="yet-another-horse")
    assert not SocialAccount.objects.exists()


# --- response times reveal nothing


@pytest.fixture
def hashes(monkeypatch):
    """Counts how often a password is hashed."""
    calls = []
    for name in ("encode", "verify"):
        does = getattr(Argon2PasswordHasher, name)
        monkeypatch.setattr(Argon2PasswordHasher, name, lambda *given, does=does: calls.append(1) or does(*given))
    return calls


def sign_up_with(email):
    sign_up(Browser(), email)


def log_in_with(email):
    log_in(Browser(), email, "wrong-password-wrong")


def code(email):
    ask_for_code(Browser(), email)


def reset(email):
    submit(Browser(), "/accounts/password/reset/", email=email)


PAGES = [sign_up_with, log_in_with, code, reset]


@pytest.mark.parametrize("page", PAGES, ids=["sign up", "log in", "code", "reset"])
def test_a_page_does_the_same_work_for_a_known_and_an_unknown_email(page, alice, hashes, mailoutbox):
    """ASVS 5.0 6.3.8. Compares the hashes, emails and statements of a request, which take most of its time."""

    def work(email):
        hashes.clear()
        mailoutbox.clear()
        with CaptureQueriesContext(connection) as captured:
            page(email)
        return len(hashes), len(mailoutbox), len(captured)

    work("warm@example.test")
    known, unknown = work(alice.email), work("nobody@example.test")
    assert known[:2] == unknown[:2]
    assert abs(known[2] - unknown[2]) <= 8


def test_sign_up_takes_as_long_for_a_customer(alice, monkeypatch):
    """Uses a hasher that is slow enough to measure, and the CPU time of the process, because other programs use the
    machine, too.
    """
    monkeypatch.setattr(Argon2PasswordHasher, "time_cost", 4)
    monkeypatch.setattr(Argon2PasswordHasher, "memory_cost", 32 * 1024)

    def median(emails):
        taken = []
        for email in emails:
            browser = Browser(REMOTE_ADDR=f"203.0.113.{len(taken)}")
            began = time.process_time()
            browser.post(
                "/accounts/signup/", {"email": email, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "name": ""}
            )
            taken.append(time.process_time() - began)
        return statistics.median(taken)

    median(["warm@example.test"])
    customer = median([alice.email] * 7)
    nobody = median([f"new{number}@example.test" for number in range(7)])
    assert 1 / 2 < customer / nobody < 2


# --- the limit of emails to one address


def test_one_asker_causes_few_mails_whatever_the_page(alice, mailoutbox):
    """Sign-up, code and reset share one count, and no page says that a mail was not sent."""
    answers = set()
    for _ in range(3):
        answers.add(submit(Browser(), "/accounts/password/reset/", email=alice.email)["Location"])
        ask_for_code(Browser(), alice.email)
        sign_up(Browser(), alice.email)
    assert len(mailoutbox) == 3
    assert len(answers) == 1


def test_many_askers_cause_few_mails_an_hour_and_the_owners_browser_still_gets_one(browser, alice, mailoutbox):
    browser.post("/accounts/logout/")
    for number in range(20):
        submit(Browser(REMOTE_ADDR=f"203.0.113.{number}"), "/accounts/password/reset/", email=alice.email)
    assert len(mailoutbox) == 12
    submit(browser, "/accounts/password/reset/", email=alice.email)
    assert len(mailoutbox) == 13
