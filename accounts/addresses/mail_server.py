"""Sends emails by SMTP. An email that a request waits for has one deadline for all steps of the protocol.

smtplib applies its timeout to each answer of the mail server. A server that takes a few seconds for each of its answers
would otherwise keep a request, and its thread, for a multiple of the timeout.
"""

import smtplib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.core.mail.backends import smtp

#: When the email must have been sent, a value of time.monotonic(). None: each answer has its own timeout, as in jobs.
_ends_at: ContextVar[float | None] = ContextVar("mail_ends_at", default=None)


@contextmanager
def one_deadline() -> Iterator[None]:
    """Inside this context, sending an email takes at most EMAIL_TIMEOUT seconds."""
    token = _ends_at.set(time.monotonic() + settings.EMAIL_TIMEOUT)
    try:
        yield
    finally:
        _ends_at.reset(token)


def in_time(send: Callable[[], object]) -> None:
    """Calls `send`, the method of an email. Raises OSError, also if the deadline is over."""
    with one_deadline():
        send()


class _Steps(smtplib.SMTP):
    def getreply(self) -> tuple[int, bytes]:
        """Waits for the answer to a step until the deadline."""
        ends_at = _ends_at.get()
        if ends_at is not None and self.sock is not None:
            seconds = ends_at - time.monotonic()
            if seconds <= 0:
                self.close()
                raise smtplib.SMTPServerDisconnected("The mail server was too slow.")
            self.sock.settimeout(seconds)
        return super().getreply()


class _StepsOverTLS(_Steps, smtplib.SMTP_SSL):
    pass


class EmailBackend(smtp.EmailBackend):
    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _StepsOverTLS if self.use_ssl else _Steps
