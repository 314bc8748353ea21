"""Payments: an order becomes a transfer, a transfer becomes entries of the ledger.

Within this bank a transfer is posted at once. To another bank its money is held until the payment scheme has answered:
pending -> (handed over) -> posted or rejected. Until it is handed over it can be cancelled. Knows no HTTP; may import
`accounts`, `consents`, `notices`, `webhooks`, the ledger and what lies below them.
"""

from banking.payments.order import Order, check
from banking.payments.route import find_route
from banking.payments.settlement import expire, handed_over, resume, settle
from banking.payments.transfers import cancel, make, refuse

__all__ = [
    "Order",
    "cancel",
    "check",
    "expire",
    "find_route",
    "handed_over",
    "make",
    "refuse",
    "resume",
    "settle",
]
