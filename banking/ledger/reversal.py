"""Undoing a transaction by another one: nothing in the ledger is ever changed."""

from banking.ledger.posting import post
from banking.models import LedgerTransaction


def reverse(original: LedgerTransaction, *, reason: str) -> LedgerTransaction:
    """The opposite entries, once per transaction (the database refuses a second). Raises a Refusal, for example
    where the money has been spent since."""
    entries = [(entry.account, -entry.amount_minor) for entry in original.entries.select_related("account")]
    return post(entries, description=reason, kind="reversal", reverses=original)
