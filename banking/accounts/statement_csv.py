"""A statement as CSV, one line at a time. For the API in one format for ever; for the web bank as a spreadsheet of the
reader's language opens it."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.formats import get_format

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


@dataclass(frozen=True, slots=True)
class Notation:
    """Excel takes a file for UTF-8 only with a byte order mark, and reads both signs as the reader's country writes."""

    mark: str = ""
    delimiter: str = ","
    decimal_sign: str = "."

    @classmethod
    def of_page(cls) -> "Notation":
        """For the language of the page. Where a comma separates decimals, a semicolon separates cells."""
        decimal_sign = str(get_format("DECIMAL_SEPARATOR"))
        return cls("\ufeff", ";" if decimal_sign == "," else ",", decimal_sign)


def csv_lines(rows: Iterable[dict[str, Any]], notation: Notation = Notation()) -> Iterator[str]:
    """`rows` have the columns of `history.FIELDS`."""
    writer = csv.writer(_Echo(), delimiter=notation.delimiter)

    def decimal(currency: str, amount_minor: int) -> str:
        return str(amounts.decimal(currency, amount_minor)).replace(".", notation.decimal_sign)

    yield notation.mark + writer.writerow(_COLUMNS)
    for row in rows:
        currency, amount_minor = row["currency"], row["amount_minor"]
        yield writer.writerow(
            [
                timestamp(row["booked_at"]),
                csv_cells.text(row["transaction__description"]),
                csv_cells.text(row["counterparty_name"]),
                csv_cells.text(iban.masked(row["counterparty_iban"]) if row["counterparty_iban"] else ""),
                "in" if amount_minor > 0 else "out",
                decimal(currency, abs(amount_minor)),
                currency,
                decimal(currency, row["balance_after_minor"]),
                row["transaction_id"],
            ]
        )
