"""Sends emails with links and codes within the request. They contain secrets, which must not be stored in a job."""

import logging
import smtplib
from collections.abc import Callable

from accounts.addresses import mail_server

logger = logging.getLogger(__name__)


class MailServerAway(Exception):
    """The mail server did not accept the email. The user can submit the page again later."""


def send_now(send: Callable[[], object]) -> None:
    """Calls `send`, the method of an email. Raises MailServerAway. A refused recipient is only logged, because the page
    must not reveal which mailboxes exist (ASVS 5.0 6.3.8).
    """
    try:
        mail_server.in_time(send)
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        logger.warning("The mail server refused the recipient of an email: %s", codes)
    except OSError as error:  # includes SMTPException
        raise MailServerAway(type(error).__name__) from error
