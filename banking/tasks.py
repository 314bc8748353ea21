"""Background work of the bank, run by `manage.py procrastinate worker`; every task may run twice without harm."""

from uuid import UUID

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from banking import payments
from banking.payments import scheme, transfers

# 5 s, 10 s, 20 s ... about a day in all: the other side is down, not gone; the money stays held meanwhile.
_PATIENT = RetryStrategy(max_attempts=14, exponential_wait=2, retry_exceptions=[scheme.Unanswered])


@app.task(name=transfers.SETTLE, queue="banking", retry=_PATIENT)
def settle_transfer(transfer_id: str) -> None:
    payments.settle(UUID(transfer_id))


@app.periodic(cron="*/10 * * * *")
@app.task(name="banking.expire_transfers", queue="banking", queueing_lock="banking.expire_transfers")
def expire_transfers(timestamp: int) -> None:
    payments.expire()
