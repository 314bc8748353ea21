"""The queue of deliveries: one background job for each."""

from uuid import UUID

from banking.database import jobs

#: The background task that delivers. Its name is stored with waiting jobs.
TASK = "banking.deliver_webhook"
#: Waits of 3 s, 9 s, 27 s ... 49 hours between them: three days in total.
ATTEMPTS = 12


def enqueue(delivery_id: UUID) -> None:
    """Enqueues a delivery, in the caller's transaction."""
    jobs.defer(TASK, delivery_id=str(delivery_id))
