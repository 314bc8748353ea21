"""What the bank's staff may do with people's money: freeze an account, hold a payment order, reverse a transaction by
two; never with their own money. For the admin.

Each act is one transaction with its row in the site's audit log. Nobody edits a balance or an entry.
"""

from banking.oversight.audit import Officer
from banking.oversight.freezing import freeze, unfreeze
from banking.oversight.orders import cancel_order, hold_order, release_order
from banking.oversight.reversals import approve, decline, request

__all__ = [
    "Officer",
    "approve",
    "cancel_order",
    "decline",
    "freeze",
    "hold_order",
    "release_order",
    "request",
    "unfreeze",
]
