"""Background work of the accounts, run by `manage.py procrastinate worker`."""

import smtplib
from typing import Any

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from accounts import notices, second_factor_secrets

# 10 s, 100 s, 17 min, about 3 hours: a mail server that restarts or has a bad hour.
_PATIENT = RetryStrategy(max_attempts=5, exponential_wait=10, retry_exceptions=[OSError, smtplib.SMTPException])


@app.task(name=notices.TELL, queue="accounts", retry=_PATIENT)
def tell_owner(**notice: Any) -> None:
    notices.send(**notice)


@app.task(name=notices.TELL_OF_TRIES, queue="accounts", retry=_PATIENT)
def tell_owner_of_tries(email: str, address: str, language: str) -> None:
    notices.send_of_tries(email, address, language)


@app.periodic(cron="37 * * * *")
@app.task(name="accounts.encrypt_second_factors", queue="accounts", queueing_lock="accounts.encrypt_second_factors")
def encrypt_second_factors(timestamp: int) -> None:
    """Those from before they were encrypted, and those that an older key encrypted."""
    second_factor_secrets.encrypt_all()
