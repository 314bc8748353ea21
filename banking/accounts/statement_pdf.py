"""A statement as PDF, with the same figures as the CSV.

Typst typesets the PDF. It is a single wheel, needs no system package, releases the GIL, and writes the tags that screen
readers need (PDF/UA-1, ISO 14289-1). The cost is limited by MOST_ROWS and because each worker process makes only one
PDF at a time.
"""

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.utils import formats, translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from banking.accounts.statements import Extract
from banking.models import Account
from banking.notation import amounts, bank_day, iban

#: A row costs 1.6 ms and 70 kB of memory: 2,000 rows take 3 seconds and fill 45 pages.
MOST_ROWS = 2000
#: How long a request waits while another statement is being made.
PATIENCE_SECONDS = 8

_FONT = "Libertinus Serif"  # the fonts of the wheel, which Typst uses by default
_TEMPLATE = Path(__file__).with_name("statement.typ")
# For each language, the font families of which one must be installed. The wheel has fonts for Latin, Greek, Cyrillic
# and Hebrew letters.
_FAMILIES = {
    "zh": ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Noto Serif CJK SC", "Noto Serif SC", "WenQuanYi")
}
_one_at_a_time = threading.BoundedSemaphore(1)


class TooManyRows(Exception):
    """The span has more than MOST_ROWS transactions."""


class Busy(Exception):
    """Another statement is being made in this process."""


def pdf_of(account: Account, holders: str, extract: Extract, rows: Iterable[dict[str, Any]], *, bank: str) -> bytes:
    """The PDF, in the language of the page if a font for it is installed, otherwise in English. `rows` are the rows of
    the statement, with the columns of `history.FIELDS`. Raises TooManyRows or Busy.
    """
    if extract.number_of_rows > MOST_ROWS:
        raise TooManyRows
    language = translation.get_language() or "en"
    with translation.override(language if _can_write(language) else "en"), _turn():
        return _compiled(_document(account, holders, extract, rows, bank=bank))


def _document(
    account: Account, holders: str, extract: Extract, rows: Iterable[dict[str, Any]], *, bank: str
) -> dict[str, Any]:
    currency = account.currency
    first, last = bank_day.day_of(extract.begins_at), bank_day.day_of(extract.ends_at - timedelta(microseconds=1))
    written = iban.grouped(account.iban or "")

    def number(amount_minor: int) -> str:
        return amounts.without_currency(currency, amount_minor)

    return {
        "bank": bank,
        "language": (translation.get_language() or "en").partition("-")[0],
        "fonts": [_FONT, *filter(None, [font_of(translation.get_language() or "en")])],
        "title": _("Account statement"),
        "footer": f"{bank} · {written}",
        "facts": [
            [_("Account"), account.name],
            [_("Name"), holders],
            [_("IBAN"), written],
            [_("Currency"), currency],
            [pgettext("day", "From"), formats.date_format(first, "DATE_FORMAT")],
            [pgettext("day", "To"), formats.date_format(last, "DATE_FORMAT")],
            [_("At the beginning"), number(extract.opening_minor)],
            [_("At the end"), number(extract.closing_minor)],
        ],
        "columns": [_("Day"), _("Description"), _("Amount"), _("Balance")],
        "rows": [
            _balance(_("Opening balance"), number(extract.opening_minor)),
            *(_row(row, number(row["amount_minor"]), number(row["balance_after_minor"])) for row in rows),
            _balance(_("Closing balance"), number(extract.closing_minor)),
        ],
    }


def _balance(text: str, balance: str) -> dict[str, str]:
    return {"day": "", "text": text, "other": "", "amount": "", "balance": balance}


def _row(row: dict[str, Any], amount: str, balance: str) -> dict[str, str]:
    masked = iban.masked(row["counterparty_iban"]) if row["counterparty_iban"] else ""
    return {
        "day": formats.date_format(bank_day.day_of(row["booked_at"]), "SHORT_DATE_FORMAT"),
        "text": row["transaction__description"],
        "other": " ".join(filter(None, (row["counterparty_name"], masked))),
        "amount": amount,
        "balance": balance,
    }


def _compiled(document: dict[str, Any]) -> bytes:
    """Compiles to PDF/UA-1, which fails if a letter is in none of the fonts. In that case, compiles to a tagged PDF
    that shows a box for the letter.
    """
    import typst  # uses 80 MB, so only a process that makes a PDF imports it

    inputs = {"data": json.dumps(document)}
    try:
        made: bytes = typst.compile(_TEMPLATE, sys_inputs=inputs, pdf_standards=["ua-1"])
    except typst.TypstError as error:
        if "could not be displayed" not in str(error):
            raise
        made = typst.compile(_TEMPLATE, sys_inputs=inputs)
    return made


def _can_write(language: str) -> bool:
    return not needs_font(language) or font_of(language) is not None


def needs_font(language: str) -> bool:
    """Whether the fonts of the wheel lack the letters of this language."""
    return language.partition("-")[0] in _FAMILIES


@cache
def font_of(language: str) -> str | None:
    """The installed family for the letters that the wheel's fonts lack; None if none is needed or none is installed."""
    if not needs_font(language):
        return None
    import typst

    installed = sorted(typst.Fonts().families())
    wanted = _FAMILIES[language.partition("-")[0]]
    return next((one for prefix in wanted for one in installed if one.startswith(prefix)), None)


@contextmanager
def _turn() -> Iterator[None]:
    if not _one_at_a_time.acquire(timeout=PATIENCE_SECONDS):
        raise Busy
    try:
        yield
    finally:
        _one_at_a_time.release()
