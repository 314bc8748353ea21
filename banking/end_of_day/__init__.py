"""Closing a bank day: a trial balance, interest, the charges of a month, closed months, and an audit with its digest.

The background worker calls `close_days` every hour; days that were missed are closed in order. The progress of each
step is stored, so after an interruption any machine can continue. May import `accounts`, `webhooks`, `ledger` and what
lies below them.
"""

from banking.end_of_day.closing import behind, close_days
from banking.end_of_day.final_charges import FinalCharges, final_charges, post_final_charges

__all__ = ["FinalCharges", "behind", "close_days", "final_charges", "post_final_charges"]
