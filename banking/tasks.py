"""The bank's background tasks, run by `manage.py worker`. Every task can safely run twice."""

import smtplib
from contextlib import ExitStack
from uuid import UUID

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from banking import direct_debits, end_of_day, ledger, notices, orders, payments, second_bank, statement_files, webhooks
from banking.account_life import dormancy
from banking.accounts import closing
from banking.api import statements
from banking.database import cleanup
from banking.direct_debits import refunds
from banking.notices import email
from banking.payments import incoming, scheme, transfers
from oauth.infrastructure import outage

# 2 s, 4 s, 8 s ... some hours in total, because the other bank or our database may be down. The money stays held
# meanwhile.
_UNTIL_ANSWERED = RetryStrategy(
    max_attempts=14, exponential_wait=2, retry_exceptions=[scheme.Unanswered, *outage.ERRORS]
)

# Retries after 10 s, 100 s, 17 minutes and about 3 hours, in case the mail server is down.
_WHILE_MAIL_IS_AWAY = RetryStrategy(
    max_attempts=5, exponential_wait=10, retry_exceptions=[OSError, smtplib.SMTPException, *outage.ERRORS]
)

# The same delays, in case the storage or the database is down.
_WHILE_STORAGE_IS_AWAY = RetryStrategy(max_attempts=5, exponential_wait=10)


@app.task(name=transfers.SETTLE, queue="settlement", retry=_UNTIL_ANSWERED)
def settle_transfer(transfer_id: str) -> None:
    payments.settle(UUID(transfer_id))


@app.task(name=incoming.GIVE_BACK, queue="settlement", retry=_UNTIL_ANSWERED)
def give_back_payment(message_id: str) -> None:
    payments.give_back(UUID(message_id))


@app.task(name=refunds.CLAIM, queue="settlement", retry=_UNTIL_ANSWERED)
def claim_refund(refund_id: str) -> None:
    direct_debits.claim_refund(UUID(refund_id))


@app.task(name=second_bank.DELIVER, queue="settlement", retry=_UNTIL_ANSWERED)
def second_bank_deliver(message_id: str) -> None:
    second_bank.deliver(UUID(message_id))


@app.periodic(cron="*/10 * * * *")
@app.task(name="banking.expire_transfers", queue="banking", queueing_lock="banking.expire_transfers")
def expire_transfers(timestamp: int) -> None:
    payments.expire()


@app.periodic(cron="47 * * * *")
@app.task(name="banking.resume_transfers", queue="banking", queueing_lock="banking.resume_transfers")
def resume_transfers(timestamp: int) -> None:
    """Each of the three runs even if another one fails."""
    with ExitStack() as after:
        after.callback(direct_debits.resume_claims)
        after.callback(payments.resume_giving_back)
        payments.resume()


@app.periodic(cron="*/10 * * * *")
@app.task(name="banking.run_due_transfers", queue="banking", queueing_lock="banking.run_due_transfers")
def run_due_transfers(timestamp: int) -> None:
    orders.run_due()


@app.task(name=orders.PAY, queue="banking", retry=_WHILE_STORAGE_IS_AWAY)
def pay_order(order_id: str) -> None:
    orders.pay(UUID(order_id))


@app.task(name=notices.TASK, queue="mail", retry=_WHILE_MAIL_IS_AWAY)
def tell_owner(kind: str, about: str, to: str = "") -> None:
    email.send(kind, about, to)


@app.task(name=webhooks.TASK, queue="webhooks", retry=webhooks.UntilDelivered())
def deliver_webhook(delivery_id: str) -> None:
    webhooks.deliver(UUID(delivery_id))


@app.task(name=statement_files.TASK, queue="files", retry=_WHILE_STORAGE_IS_AWAY)
def make_statement_file(file_id: str) -> None:
    statement_files.make(UUID(file_id), statements.json_text)


@app.periodic(cron="*/5 * * * *")
@app.task(name="banking.watch_consents", queue="banking", queueing_lock="banking.watch_consents")
def watch_consents(timestamp: int) -> None:
    webhooks.watch_consents()


@app.periodic(cron="27 * * * *")
@app.task(name="banking.clean_up", queue="banking", queueing_lock="banking.clean_up")
def clean_up(timestamp: int) -> None:
    cleanup.delete_expired()
    statement_files.delete_old()


# Only one of these jobs runs at a time, on all machines together. Even if somebody runs `manage.py end_of_day` at the
# same time, a day is closed only once.
@app.periodic(cron="7 * * * *")
@app.task(name="banking.close_days", queue="banking", queueing_lock="banking.close_days", lock="banking.close_days")
def close_days(timestamp: int) -> None:
    end_of_day.close_days()


@app.periodic(cron="17 * * * *")
@app.task(name="banking.close_months", queue="banking", queueing_lock="banking.close_months")
def close_months(timestamp: int) -> None:
    closing.close_months()


@app.periodic(cron="57 * * * *")
@app.task(name="banking.mark_unused", queue="banking", queueing_lock="banking.mark_unused")
def mark_unused(timestamp: int) -> None:
    dormancy.mark_unused()


@app.periodic(cron="37 * * * *")
@app.task(name="banking.audit_ledger", queue="banking", queueing_lock="banking.audit_ledger")
def audit_ledger(timestamp: int) -> None:
    ledger.audit_and_record()
