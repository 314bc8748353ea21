"""Undoing a transaction by a second one: nothing in the ledger is ever changed."""

from banking.ledger.posting import post
from banking.models import LedgerTransaction


def reverse(original: LedgerTransaction, *, reason: str) -> LedgerTransaction:
    """Posts the opposite entries, once per transaction: the database refuses a second reversal. Raises a Refusal, for
    example if the money has been spent since."""
    entries = [(entry.account, -entry.amount_minor) for entry in original.entries.select_related("account")]
    return post(entries, description=reason, kind="reversal", reverses=original)
