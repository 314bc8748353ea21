"""Payments: orders become transfers, transfers become entries of the ledger. What apps, the worker and the admin call.

Within this bank a transfer is posted at once. To another bank its money is held until the payment scheme has
answered: pending -> (handed over) -> posted or rejected; until it is handed over it can be cancelled.
"""

from banking.payments.route import find_route
from banking.payments.scheduled import run_due
from banking.payments.transfers import Order, cancel, expire, handed_over, make, resume, settle

__all__ = ["Order", "cancel", "expire", "find_route", "handed_over", "make", "resume", "run_due", "settle"]
