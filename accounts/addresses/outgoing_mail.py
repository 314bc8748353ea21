"""Sends the emails that a page promises: links and codes. They hold secrets, so no job stores them."""

import logging
import smtplib
from collections.abc import Callable

logger = logging.getLogger(__name__)


class MailServerAway(Exception):
    """The mail server took no email. The page can be sent again later."""


def send_now(send: Callable[[], object]) -> None:
    """Calls the `send` of an email. Raises MailServerAway. A refused recipient is no error, because the page must not
    reveal which mailboxes exist (ASVS 5.0 6.3.8).
    """
    try:
        send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        logger.warning("The mail server refused the recipient of an email: %s", codes)
    except OSError as error:  # SMTPException is one, too
        raise MailServerAway(type(error).__name__) from error
