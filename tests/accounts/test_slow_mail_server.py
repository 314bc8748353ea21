"""A mail server that needs a few seconds for each of its answers."""

import socketserver
import threading
from types import SimpleNamespace

import pytest
from django.core.mail import EmailMessage

from accounts.addresses import mail_server, outgoing_mail

# By a clock that only the server moves, so that real seconds do not matter. An email needs six answers.
SECONDS_PER_ANSWER = 1000
TIMEOUT_SECONDS = 3500


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=1000.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(mail_server, "time", clock)
    return clock


@pytest.fixture
def accepted(clock, settings):
    """The emails that the server has accepted. Its answers take no time but move the clock."""
    accepted = []

    class Slow(socketserver.StreamRequestHandler):
        def answer(self, line):
            clock.now += SECONDS_PER_ANSWER
            self.wfile.write(line + b"\r\n")

        def handle(self):
            self.answer(b"220 ready")
            for line in self.rfile:
                if line.lower().startswith(b"data"):
                    self.answer(b"354 go on")
                    if b".\r\n" not in self.rfile:  # reads up to it, or to the end
                        return
                    accepted.append("an email")
                self.answer(b"250 ok")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.EMAIL_BACKEND = "accounts.addresses.mail_server.EmailBackend"
        settings.EMAIL_TIMEOUT = TIMEOUT_SECONDS
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        yield accepted
        server.shutdown()


def _email():
    return EmailMessage("A code", "123456", "bank@example.test", ["alice@example.test"])


def test_a_page_does_not_wait_for_each_step_in_turn(accepted):
    with pytest.raises(outgoing_mail.MailServerAway):
        outgoing_mail.send_now(_email().send)
    assert not accepted


def test_work_after_the_response_does_not_wait_either(accepted):
    with pytest.raises(OSError, match="too slow"):
        mail_server.in_time(_email().send)
    assert not accepted


def test_the_email_of_a_job_is_sent_nevertheless(accepted):
    assert _email().send() == 1
    assert len(accepted) == 1


def test_an_email_that_was_accepted_in_time_is_sent(accepted, settings):
    """The answer to QUIT comes too late, which does not matter."""
    settings.EMAIL_TIMEOUT = 6.5 * SECONDS_PER_ANSWER
    outgoing_mail.send_now(_email().send)
    assert len(accepted) == 1


def test_the_deadline_holds_over_tls_too():
    backend = mail_server.EmailBackend(use_ssl=True)
    assert backend.connection_class.getreply is mail_server.EmailBackend(use_ssl=False).connection_class.getreply
