"""The CSV of a statement, as a spreadsheet of the reader's language opens it."""

import csv

import pytest
from django.utils import timezone, translation

from banking.accounts.months import Month
from banking.accounts.statement_csv import Notation, csv_lines
from banking.accounts.statements import Statement
from banking.models import LedgerEntry

ROW = {
    "booked_at": timezone.now(), "transaction__description": "Rent; March", "counterparty_name": "Bob, Ltd",
    "counterparty_iban": "DE89370400440532013000", "amount_minor": -123456, "currency": "EUR",
    "balance_after_minor": 5, "transaction_id": "t", "account_seq": 1, "value_date": None, "transaction__kind": "card",
    "transaction__transfer__id": None, "transaction__exchange_id": None, "transaction__transfer__end_to_end_id": None,
    "transaction__scheme_message__end_to_end_id": None,
    "transaction__transfer__destination_id": None, "transaction__transfer__scheduled__frequency": None,
}  # fmt: skip
OCTOBER = Month(2026, 10)
STATEMENT = Statement(
    OCTOBER.begins_at, OCTOBER.ends_at, 1, 1, opening_minor=123461, closing_minor=5,
    entries=LedgerEntry.objects.none(), month=OCTOBER,
)  # fmt: skip


@pytest.mark.parametrize(
    ("language", "delimiter", "amount", "balance"),
    [("de", ";", "1234,56", "0,05"), ("en-gb", ",", "1234.56", "0.05"), ("zh-hans", ",", "1234.56", "0.05")],
)
def test_excel_opens_it_in_the_language_of_the_page(language, delimiter, amount, balance):
    with translation.override(language):
        text = "".join(csv_lines(STATEMENT, "EUR", [ROW], Notation.of_page()))
    assert text[0] == "\ufeff"
    opening, row, closing = csv.DictReader(text[1:].splitlines(), delimiter=delimiter)
    assert (row["amount"], row["balance_after"]) == (amount, balance)
    assert (opening["balance_after"], closing["balance_after"]) == (amount.replace("56", "61"), balance)
    assert (opening["amount"], opening["direction"], opening["booked_at"]) == ("", "", "2026-10-01T00:00:00Z")
    assert (row["description"], row["counterparty_name"]) == ("Rent; March", "Bob, Ltd")


def test_the_api_sends_the_same_in_every_language():
    with translation.override("de"):
        german = "".join(csv_lines(STATEMENT, "EUR", [ROW]))
    assert german == "".join(csv_lines(STATEMENT, "EUR", [ROW]))
    assert ",1234.56,EUR,0.05," in german
    assert german[0] != "\ufeff"
