"""The transaction history of an account: which columns are read, and how far back without a fresh login."""

from itertools import takewhile
from typing import Any

from django.conf import settings
from django.utils import timezone

#: What is read of a LedgerEntry, with `.values()`.
FIELDS = (
    "transaction_id", "account_seq", "amount_minor", "currency", "balance_after_minor", "counterparty_name",
    "counterparty_iban", "booked_at", "transaction__description", "transaction__kind", "transaction__transfer__id",
)  # fmt: skip


def recent_rows(rows: list[dict[str, Any]], *, at: str = "booked_at") -> list[dict[str, Any]]:
    """The first of `rows`, newest first, that a user may read without a fresh login (SCA-RTS art. 10). `at` is the
    column with their time."""
    horizon = timezone.now() - settings.HISTORY_WITHOUT_STEP_UP
    return list(takewhile(lambda row: row[at] >= horizon, rows))
