"""The kinds of notices, and how one is enqueued."""

from enum import StrEnum
from uuid import UUID

from banking.database import jobs

#: The background task that sends notices. Its name and arguments are stored with waiting jobs.
TASK = "banking.tell_owner"


class Kind(StrEnum):
    NEW_PAYEE = "new_payee"
    LARGE_PAYMENT = "large_payment"
    LARGE_EXCHANGE = "large_exchange"
    LIMIT_RAISED = "limit_raised"
    NEW_ORDER = "new_order"
    ORDER_HELD = "order_held"
    ORDER_NOT_PAID = "order_not_paid"
    ORDER_ENDED = "order_ended"
    PAYMENT_NOT_MADE = "payment_not_made"
    NEW_DIRECT_DEBIT = "new_direct_debit"
    DIRECT_DEBIT_REFUSED = "direct_debit_refused"
    REFUNDED = "refunded"
    REFUND_REFUSED = "refund_refused"
    ACCESS_GIVEN = "access_given"
    ACCESS_ENDED = "access_ended"
    OVERDRAFT_CHANGED = "overdraft_changed"
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_DORMANT = "account_dormant"
    ACCOUNT_USED_AGAIN = "account_used_again"
    INVITED = "invited"
    APPLICATION_DECIDED = "application_decided"
    QUESTION_ANSWERED = "question_answered"
    STATEMENT_READY = "statement_ready"
    # For officers:
    QUESTION_ASKED = "question_asked"
    REVERSAL_REQUESTED = "reversal_requested"
    APPLICATION_MADE = "application_made"
    CHANGE_REQUESTED = "change_requested"
    RATE_REQUESTED = "rate_requested"


def enqueue_notice(kind: Kind, about: object, *, to: UUID | None = None) -> None:
    """`about` is the primary key of the row that the notice is about, such as a payee, a transfer or an act on an
    account. `to` is the recipient; without it, the user of that row is notified. The job contains only these; the
    background worker reads everything else when it sends the email.
    """
    if to is None:
        jobs.defer(TASK, kind=str(kind), about=str(about))
    else:
        jobs.defer(TASK, kind=str(kind), about=str(about), to=str(to))
