"""A statement as CSV, one line at a time. The API always uses the same format. The web bank uses the format that
spreadsheet programs expect in the user's language.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from django.utils import timezone
from django.utils.formats import get_format
from django.utils.translation import gettext as _

from banking.accounts.history import code_of_row, end_to_end_id_of
from banking.accounts.statements import Extract
from banking.notation import amounts, bank_day, iban
from banking.notation.timestamps import timestamp
from oauth.infrastructure import csv_cells

_COLUMNS = (
    "booked_at", "description", "counterparty_name", "counterparty_identifier", "direction", "amount", "currency",
    "balance_after", "transaction_id", "account_seq", "value_date", "bank_transaction_code", "end_to_end_id",
    "transfer_id", "exchange_id",
)  # fmt: skip


_AFTER_BALANCE = len(_COLUMNS) - _COLUMNS.index("balance_after") - 1


class _Echo:
    """A file for csv.writer whose `write` returns the line."""

    def write(self, line: str) -> str:
        return line


@dataclass(frozen=True, slots=True)
class Notation:
    """The notation that Excel expects. Excel recognizes UTF-8 only by a byte order mark, and expects the delimiter and
    decimal sign of the user's country.
    """

    mark: str = ""
    delimiter: str = ","
    decimal_sign: str = "."
    opening: str = "Opening balance"
    closing: str = "Closing balance"
    #: The zone of the times; None for UTC.
    zone: tzinfo | None = None

    @classmethod
    def of_page(cls) -> "Notation":
        """For the language and time zone of the page. In a language with a decimal comma, a semicolon separates
        cells.
        """
        decimal_sign = str(get_format("DECIMAL_SEPARATOR"))
        delimiter = ";" if decimal_sign == "," else ","
        zone = timezone.localtime().tzinfo  # not the currently active one, which may end with the request
        return cls("\ufeff", delimiter, decimal_sign, _("Opening balance"), _("Closing balance"), zone)

    def time(self, at: datetime) -> str:
        """RFC 3339: with the offset of the reader's time zone, or in UTC with `Z`."""
        return at.astimezone(self.zone).isoformat().replace("+00:00", "Z") if self.zone else timestamp(at)


def csv_lines(
    statement: Extract, currency: str, rows: Iterable[dict[str, Any]], notation: Notation = Notation()
) -> Iterator[str]:
    """`rows` are the rows of the statement, with the columns of `history.FIELDS`. The first line is the opening
    balance, the last one the closing balance.
    """
    writer = csv.writer(_Echo(), delimiter=notation.delimiter)

    def decimal(currency: str, amount_minor: int) -> str:
        return str(amounts.decimal(currency, amount_minor)).replace(".", notation.decimal_sign)

    def balance(at: datetime, text: str, amount_minor: int) -> str:
        line: str = writer.writerow(
            [notation.time(at), text, "", "", "", "", currency, decimal(currency, amount_minor), *[""] * _AFTER_BALANCE]
        )
        return line

    yield notation.mark + writer.writerow(_COLUMNS)
    yield balance(statement.begins_at, notation.opening, statement.opening_minor)
    for row in rows:
        amount_minor = row["amount_minor"]
        yield writer.writerow(
            [
                notation.time(row["booked_at"]),
                csv_cells.text(row["transaction__description"]),
                csv_cells.text(row["counterparty_name"]),
                csv_cells.text(iban.masked(row["counterparty_iban"]) if row["counterparty_iban"] else ""),
                "in" if amount_minor > 0 else "out",
                decimal(currency, abs(amount_minor)),
                currency,
                decimal(currency, row["balance_after_minor"]),
                row["transaction_id"],
                row["account_seq"],
                row["value_date"] or bank_day.day_of(row["booked_at"]),
                code_of_row(row),
                csv_cells.text(end_to_end_id_of(row)),
                row["transaction__transfer__id"],
                row["transaction__exchange_id"],
            ]
        )
    yield balance(statement.ends_at, notation.closing, statement.closing_minor)
