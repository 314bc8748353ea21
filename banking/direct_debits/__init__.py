"""Direct debits: creditors collect money by a mandate. The user can cancel the mandate at any time, and request a
refund of what was collected (`ask_for_refund`).

`receive_mandate`, `receive_collection` and `receive_cancellation` receive the messages of the payment scheme, like
those of `banking.payments`. May import `payments` and what lies below it.
"""

from banking.direct_debits.collections import receive_collection
from banking.direct_debits.mandates import cancel, end_all_of_account, receive_cancellation, receive_mandate
from banking.direct_debits.refunds import ask_for_refund, claim_refund, resume_claims

__all__ = [
    "ask_for_refund", "cancel", "claim_refund", "end_all_of_account", "receive_cancellation", "receive_collection",
    "receive_mandate", "resume_claims",
]  # fmt: skip
