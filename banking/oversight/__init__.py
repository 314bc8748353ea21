"""What the bank's staff may do: freeze an account, hold a payment order, reverse a transaction with a second officer.
Never with their own money. For the admin.

Each act is one transaction with its row in the site's audit log. Nobody edits a balance or an entry. Also the metrics
that operators watch. May import `orders`, `payments` and what lies below them.
"""

from banking.oversight.audit import Officer
from banking.oversight.differences import ask_to_move, decline_to_move, move_to_suspense, read_settlement_file
from banking.oversight.freezing import freeze, unfreeze
from banking.oversight.orders import cancel_order, hold_order, release_order
from banking.oversight.reversals import approve_reversal, decline_reversal, request_capture, request_reversal

__all__ = [
    "Officer",
    "approve_reversal",
    "ask_to_move",
    "cancel_order",
    "decline_reversal",
    "decline_to_move",
    "freeze",
    "hold_order",
    "move_to_suspense",
    "read_settlement_file",
    "release_order",
    "request_capture",
    "request_reversal",
    "unfreeze",
]
