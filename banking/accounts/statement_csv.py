"""A statement as CSV, one line at a time: the same bytes for the API and the web bank."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from banking.notation import amounts, iban
from banking.notation.timestamps import timestamp
from oauth.infrastructure import csv_cells

_COLUMNS = (
    "booked_at", "description", "counterparty_name", "counterparty_identifier", "direction", "amount", "currency",
    "balance_after", "transaction_id",
)  # fmt: skip


class _Echo:
    """The file of csv.writer: it returns each line."""

    def write(self, line: str) -> str:
        return line


def csv_lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """`rows` have the columns of `history.FIELDS`."""
    writer = csv.writer(_Echo())
    yield writer.writerow(_COLUMNS)
    for row in rows:
        currency, amount_minor = row["currency"], row["amount_minor"]
        yield writer.writerow(
            [
                timestamp(row["booked_at"]),
                csv_cells.text(row["transaction__description"]),
                csv_cells.text(row["counterparty_name"]),
                csv_cells.text(iban.masked(row["counterparty_iban"]) if row["counterparty_iban"] else ""),
                "in" if amount_minor > 0 else "out",
                amounts.decimal(currency, abs(amount_minor)),
                currency,
                amounts.decimal(currency, row["balance_after_minor"]),
                row["transaction_id"],
            ]
        )
