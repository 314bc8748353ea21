"""Pages that send an email while the mail server is away or refuses it."""

import smtplib
from datetime import timedelta

import pytest
import time_machine
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone

from accounts.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-battery"
EMAIL = "alice@example.test"
PAGES = {
    "reset": ("/accounts/password/reset/", {"email": EMAIL}),
    "code": ("/accounts/login/code/", {"email": EMAIL}),
    "sign up": ("/accounts/signup/", {"email": "new@example.test", "password1": PASSWORD, "password2": PASSWORD,
                                      "name": ""}),
}  # fmt: skip
AWAY = [ConnectionRefusedError(111, "refused"), TimeoutError(), smtplib.SMTPServerDisconnected("gone"),
        smtplib.SMTPAuthenticationError(535, b"no"), smtplib.SMTPDataError(451, b"later")]  # fmt: skip


@pytest.fixture
def mail_server(monkeypatch):
    """A call makes each email fail with the error; None makes it work again."""
    works = EmailBackend.send_messages

    def fails_with(error):
        def send_messages(self, messages):
            if error is not None:
                raise error
            return works(self, messages)

        monkeypatch.setattr(EmailBackend, "send_messages", send_messages)

    return fails_with


@pytest.fixture(params=PAGES)
def ask(request, alice, client):
    path, form = PAGES[request.param]
    return lambda: client.post(path, form)


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
def test_a_mail_server_that_is_away_is_an_outage(ask, mail_server, error):
    mail_server(error)
    answer = ask()
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")


def test_the_same_form_works_once_the_mail_server_is_back(ask, mail_server, mailoutbox):
    """A sign-up after a few minutes, as for each second email of this kind."""
    mail_server(ConnectionRefusedError(111, "refused"))
    assert ask().status_code == 503
    mail_server(None)
    with time_machine.travel(timezone.now() + timedelta(minutes=10)):
        assert ask().status_code == 302
    assert mailoutbox


def test_a_refused_recipient_gets_the_usual_answer(ask, mail_server, caplog):
    """ASVS 5.0 6.3.8: otherwise the page would reveal which mailboxes exist."""
    mail_server(smtplib.SMTPRecipientsRefused({EMAIL: (550, b"no such user")}))
    assert ask().status_code == 302
    assert "[550]" in caplog.text
    assert EMAIL not in caplog.text


def test_a_sign_up_without_its_email_leaves_a_user_who_has_proven_nothing(client, mail_server):
    mail_server(ConnectionRefusedError(111, "refused"))
    assert client.post(*PAGES["sign up"]).status_code == 503
    assert not User.objects.filter(email="new@example.test", emailaddress__verified=True).exists()
