"""Jobs of the background worker."""

import smtplib
from typing import Any

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from accounts import closing
from accounts.notices import notice
from accounts.second_factors import stored_secrets
from oauth.infrastructure import outage

# Retries after 10 s, 100 s, 17 minutes and about 3 hours, to outlast an outage of the mail server or the database.
_PATIENT = RetryStrategy(
    max_attempts=5, exponential_wait=10, retry_exceptions=[OSError, smtplib.SMTPException, *outage.ERRORS]
)


@app.task(name=notice.TELL, queue="mail", retry=_PATIENT)
def tell_owner(**values: Any) -> None:
    notice.send_notice(**values)


@app.task(name=notice.TELL_OF_GUESSES, queue="mail", retry=_PATIENT)
def tell_owner_of_guesses(email: str, address: str, language: str) -> None:
    notice.send_notice_of_guesses(email, address, language)


@app.periodic(cron="23 4 * * *")
@app.task(name="accounts.erase_former_users", queue="accounts", queueing_lock="accounts.erase_former_users")
def erase_former_users(timestamp: int) -> None:
    """Erases the identities of users who closed their account more than FORMER_USERS_KEPT ago."""
    closing.erase_former_users()


@app.periodic(cron="37 * * * *")
@app.task(name="accounts.encrypt_second_factors", queue="accounts", queueing_lock="accounts.encrypt_second_factors")
def encrypt_second_factors(timestamp: int) -> None:
    """Encrypts secrets that are stored in plaintext or encrypted with an older key."""
    stored_secrets.encrypt_all()
