"""The transaction history of an account: which columns are read, and how far back without a fresh login."""

from datetime import datetime
from itertools import takewhile
from typing import Any

from django.conf import settings
from django.utils import timezone

#: What is read of a LedgerEntry, with `.values()`.
FIELDS = (
    "transaction_id", "account_seq", "amount_minor", "currency", "balance_after_minor", "counterparty_name",
    "counterparty_iban", "booked_at", "value_date",
    "transaction__description", "transaction__kind", "transaction__transfer__id",
    "transaction__reverses_id", "transaction__reversed_by__id",
)  # fmt: skip


def needs_fresh_login(at: datetime) -> bool:
    """Whether what happened at this time is too old to be read without a fresh login (SCA-RTS art. 10)."""
    return at < timezone.now() - settings.HISTORY_WITHOUT_STEP_UP


def recent_rows(rows: list[dict[str, Any]], *, at: str = "booked_at") -> list[dict[str, Any]]:
    """The first of `rows`, newest first, that may be read without a fresh login. `at` is the column of their time."""
    return list(takewhile(lambda row: not needs_fresh_login(row[at]), rows))
