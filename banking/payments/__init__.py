"""Payments: turns an instruction into a transfer with entries of the ledger (`pay`), or into a payment order for later
(`prepare`), whose transfers are made on their day (`make`). The database decides about each payment, in one call.

Within this bank a transfer is posted immediately. If it goes to another bank, its money is held until the payment
scheme has answered: pending -> (handed over) -> posted or rejected; a posted transfer can be returned. It can be
cancelled until it is handed over. `receive_payment`, `receive_answer` and `receive_return` process the messages of the
scheme. Independent of HTTP. May import `accounts`, `consents`, `notices`, `webhooks`, the ledger and what lies below
them.
"""

from banking.payments.answers import receive_answer, receive_return
from banking.payments.incoming import give_back, receive_payment, resume_giving_back
from banking.payments.instruction import Instruction, Payer
from banking.payments.order import PaymentOrder, prepare
from banking.payments.settlement import (
    expire,
    handed_over,
    is_owed,
    resume,
    resume_for,
    settle,
    take_to_suspense,
)
from banking.payments.transfers import Paid, cancel, make, pay, pay_at_once, reject

__all__ = [
    "Instruction",
    "Paid",
    "Payer",
    "PaymentOrder",
    "cancel",
    "expire",
    "give_back",
    "handed_over",
    "is_owed",
    "make",
    "pay",
    "pay_at_once",
    "prepare",
    "receive_answer",
    "receive_payment",
    "receive_return",
    "reject",
    "resume",
    "resume_for",
    "resume_giving_back",
    "settle",
    "take_to_suspense",
]
