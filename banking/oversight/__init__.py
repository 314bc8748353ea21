"""Actions of the bank's staff: freeze or close an account, change its overdraft and its users, hold a payment order,
reverse a transaction, answer questions. Giving money or access needs a second officer. Staff never act on their own
money. Used by the admin. Each act is one transaction that also writes the site's audit log. No balance or entry can be
edited. Also has the bank's metrics. May import `account_life`, `orders`, `payments` and what lies below them.
"""

from banking.oversight.account_changes import (
    approve_change,
    close_account,
    decline_change,
    end_access,
    lower_overdraft,
    request_access,
    request_overdraft,
)
from banking.oversight.applications import approve_application, refuse_application
from banking.oversight.audit import Officer
from banking.oversight.differences import ask_to_move, decline_to_move, move_to_suspense, read_settlement_file
from banking.oversight.exchange_rates import approve_rate, decline_rate, refuse_own_currencies, request_rate
from banking.oversight.freezing import freeze, unfreeze
from banking.oversight.orders import cancel_order, hold_order, release_order
from banking.oversight.questions import answer_question
from banking.oversight.reversals import approve_reversal, decline_reversal, request_capture, request_reversal

__all__ = [
    "Officer",
    "answer_question",
    "approve_application",
    "approve_change",
    "approve_rate",
    "approve_reversal",
    "ask_to_move",
    "cancel_order",
    "close_account",
    "decline_change",
    "decline_rate",
    "decline_reversal",
    "decline_to_move",
    "end_access",
    "freeze",
    "hold_order",
    "lower_overdraft",
    "move_to_suspense",
    "read_settlement_file",
    "refuse_application",
    "refuse_own_currencies",
    "release_order",
    "request_access",
    "request_capture",
    "request_overdraft",
    "request_rate",
    "request_reversal",
    "unfreeze",
]
