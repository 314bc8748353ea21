"""Payments: an instruction becomes a transfer and entries of the ledger (`pay`), or a payment order for later
(`prepare`), whose transfers are made on their day (`make`). The database decides about each, in one call.

Within this bank a transfer is posted immediately. To another bank its money is held until the payment scheme has
answered: pending -> (handed over) -> posted or rejected. Until it is handed over it can be cancelled. Knows no HTTP;
may import `accounts`, `consents`, `notices`, `webhooks`, the ledger and what lies below them.
"""

from banking.payments.instruction import Instruction, Payer
from banking.payments.order import PaymentOrder, prepare
from banking.payments.settlement import (
    expire,
    hand_over_again,
    handed_over,
    is_owed,
    resume,
    settle,
    take_to_suspense,
)
from banking.payments.transfers import Paid, cancel, make, pay, reject

__all__ = [
    "Instruction",
    "Paid",
    "Payer",
    "PaymentOrder",
    "cancel",
    "expire",
    "hand_over_again",
    "handed_over",
    "is_owed",
    "make",
    "pay",
    "prepare",
    "reject",
    "resume",
    "settle",
    "take_to_suspense",
]
