"""Payments: an instruction becomes a payment order (`prepare`), an order a transfer (`make`), a transfer entries of the
ledger.

Within this bank a transfer is posted immediately. To another bank its money is held until the payment scheme has
answered: pending -> (handed over) -> posted or rejected. Until it is handed over it can be cancelled. Knows no HTTP;
may import `accounts`, `consents`, `notices`, `webhooks`, the ledger and what lies below them.
"""

from banking.payments.instruction import Instruction, Payer, prepare
from banking.payments.order import PaymentOrder
from banking.payments.settlement import (
    expire,
    hand_over_again,
    handed_over,
    is_owed,
    resume,
    settle,
    take_to_suspense,
)
from banking.payments.transfers import cancel, make, reject

__all__ = [
    "Instruction",
    "Payer",
    "PaymentOrder",
    "cancel",
    "expire",
    "hand_over_again",
    "handed_over",
    "is_owed",
    "make",
    "prepare",
    "reject",
    "resume",
    "settle",
    "take_to_suspense",
]
