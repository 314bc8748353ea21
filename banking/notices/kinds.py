"""The kinds of notices, and how one is enqueued."""

from enum import StrEnum
from uuid import UUID

from banking.database import jobs

#: The background task that sends notices. Its name and arguments are stored with jobs that wait.
TASK = "banking.tell_owner"


class Kind(StrEnum):
    NEW_PAYEE = "new_payee"
    LARGE_PAYMENT = "large_payment"
    LIMIT_RAISED = "limit_raised"
    NEW_ORDER = "new_order"
    ORDER_HELD = "order_held"
    ORDER_NOT_PAID = "order_not_paid"
    ORDER_ENDED = "order_ended"
    PAYMENT_NOT_MADE = "payment_not_made"


def enqueue_notice(kind: Kind, about: UUID) -> None:
    """`about` is the primary key of the payee, transfer or payment order. The job holds no more than that; the
    background worker reads the rest when it sends the email."""
    jobs.defer(TASK, kind=str(kind), about=str(about))
