"""What the bank's staff may do: freeze an account, hold a payment order, reverse a transaction with a second officer.
Never with their own money. For the admin.

Each act is one transaction with its row in the site's audit log. Nobody edits a balance or an entry. Also the metrics
that operators watch. May import `orders`, `payments` and what lies below them.
"""

from banking.oversight.audit import Officer
from banking.oversight.freezing import freeze, unfreeze
from banking.oversight.orders import cancel_order, hold_order, release_order
from banking.oversight.reversals import approve_reversal, decline_reversal, request_capture, request_reversal

__all__ = [
    "Officer",
    "approve_reversal",
    "cancel_order",
    "decline_reversal",
    "freeze",
    "hold_order",
    "release_order",
    "request_capture",
    "request_reversal",
    "unfreeze",
]
