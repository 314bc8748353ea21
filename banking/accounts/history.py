"""The transaction history of an account: which columns are read, and how far back it can be read without a fresh
login.
"""

from datetime import datetime
from itertools import takewhile
from typing import Any

from django.conf import settings
from django.utils import timezone

from banking.models.schedule import Frequency
from banking.notation.bank_transaction_codes import code_of

#: The fields of a LedgerEntry that are read with `.values()`.
FIELDS = (
    "transaction_id", "account_id", "account_seq", "amount_minor", "currency", "balance_after_minor",
    "counterparty_name", "counterparty_iban", "booked_at", "value_date",
    "transaction__description", "transaction__kind", "transaction__transfer__id",
    "transaction__transfer__end_to_end_id", "transaction__transfer__destination_id",
    "transaction__transfer__scheduled_id", "transaction__transfer__scheduled__frequency",
    "transaction__scheme_message__end_to_end_id",
    "transaction__reverses_id", "transaction__reversed_by__id", "transaction__exchange_id",
)  # fmt: skip


def recent_since() -> datetime:
    """Transactions before this time may be read only after a fresh login (SCA-RTS art. 10)."""
    return timezone.now() - settings.HISTORY_WITHOUT_STEP_UP


def needs_fresh_login(at: datetime) -> bool:
    """Whether a transaction of this time is too old to be read without a fresh login (SCA-RTS art. 10)."""
    return at < recent_since()


def recent_rows(rows: list[dict[str, Any]], *, at: str = "booked_at") -> list[dict[str, Any]]:
    """The leading part of `rows` (newest first) that may be read without a fresh login. `at` is the column with their
    time.
    """
    since = recent_since()
    return list(takewhile(lambda row: row[at] >= since, rows))


def code_of_row(row: dict[str, Any]) -> str:
    """The bank transaction code (ISO 20022) of a row with the columns of FIELDS."""
    transfer_id, destination_id = row["transaction__transfer__id"], row["transaction__transfer__destination_id"]
    return code_of(
        row["transaction__kind"],
        is_in=row["amount_minor"] > 0,
        currency=row["currency"],
        counterparty_iban=row["counterparty_iban"],
        is_within=transfer_id is not None and destination_id is not None,
        is_standing=is_standing(row["transaction__transfer__scheduled__frequency"]),
    )


def end_to_end_id_of(row: dict[str, Any]) -> str:
    """The end-to-end id that the payer gave the payment, here or at another bank; empty if there is none."""
    made, received = row["transaction__transfer__end_to_end_id"], row["transaction__scheme_message__end_to_end_id"]
    return made or received or ""


def is_standing(frequency: str | None) -> bool:
    """Whether a payment order with this frequency is a standing order. `frequency` is None if there is no order."""
    return frequency is not None and frequency != Frequency.ONCE
