"""Amounts as users write and read them in their language."""

import re
from decimal import Decimal

import pytest
from django.forms import ValidationError
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from banking.notation import amounts
from banking.web.forms import AmountField
from tests.lib.ledger import funded


@pytest.mark.parametrize(
    ("language", "currency", "minor_units", "written", "shown"),
    [
        ("en-gb", "GBP", 123456, "£1,234.56", "1,234.56 GBP"),
        ("de", "EUR", 123456, "1.234,56 €", "1.234,56 EUR"),
        ("de", "EUR", -5, "-0,05 €", "-0,05 EUR"),
        ("zh-hans", "CNY", 123456, "¥1,234.56", "1,234.56 CNY"),
        ("zh-hans", "JPY", 123456, "JP¥123,456", "123,456 JPY"),
        ("xx", "GBP", 1200, "£12.00", "12.00 GBP"),
    ],
)
def test_an_amount_is_written_as_its_language_does(language, currency, minor_units, written, shown):
    with translation.override(language):
        assert amounts.with_symbol(currency, minor_units).replace("\xa0", " ") == written
        assert amounts.with_code(currency, minor_units).replace("\xa0", " ") == shown


@pytest.mark.parametrize(
    ("language", "typed", "read"),
    [
        ("de", "1.234,56", "1234.56"),
        ("de", "1.500", "1500"),
        ("de", "1.500,00", "1500"),
        ("de", "12,50", "12.5"),
        ("de", "12.50", "12.5"),  # two digits are no group of thousands: some keypads have no comma
        ("de", "1500,125", "1500.125"),
        ("en-gb", "1,234.56", "1234.56"),
        ("en-gb", "1.500", "1.5"),
        ("en-gb", "1,500", "1500"),
        ("en-gb", "12,50", "12.5"),
        ("en-gb", " 12.50 ", "12.5"),
        ("zh-hans", "1,234.56", "1234.56"),
        ("zh-hans", "1.500", "1.5"),
    ],
)
def test_an_amount_is_read_as_its_language_writes_it(language, typed, read):
    with translation.override(language):
        assert AmountField(localize=True).clean(typed) == Decimal(read)


@pytest.mark.parametrize(
    ("language", "typed"),
    [
        *(
            (language, typed)
            for language in ("de", "en-gb", "zh-hans")
            for typed in (
                "1.23,4", "1,23.4", "1.23.4", "1,23,4", "12,34.5,6", "1.2345,6", "twelve", "NaN", "Infinity", "1e3", "1,0e999999999",
                "1_000", "+5", "--5", "1 500", "1\n500", "0" * 400, "١٢", "£5", ".", ",", ".5.", "",
            )
        ),
        ("de", "1,234.56"),
        ("de", "0.500"),
        ("de", "1500.000"),
        ("en-gb", "1.234,56"),
        ("en-gb", "1500,000"),
        ("zh-hans", "1.234,56"),
    ],
)  # fmt: skip
def test_what_the_language_would_not_write_is_refused(language, typed):
    with translation.override(language), pytest.raises(ValidationError):
        AmountField(localize=True).clean(typed)


def test_a_refusal_shows_how_the_language_writes_it():
    with translation.override("de"), pytest.raises(ValidationError, match=re.escape("1.234,50")):
        AmountField(localize=True).clean("1,234.50")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "typed", "shown"),
    [
        ("de", "1.500", "1.500,00 £"),
        ("de", "1,5", "1,50 £"),
        ("en", "1.500", "£1.50"),
        ("zh-hans", "1,500", "£1,500.00"),
    ],
)
def test_what_is_confirmed_is_what_was_typed_in_the_language_of_the_page(browser, alice, bob, language, typed, shown):
    source, to = funded(alice, "Everyday", amount_minor=1_000_000), funded(bob, "Bob's")
    fields = {
        "source": source.pk,
        "to": "new",
        "name": "Bob Baker",
        "iban": to.iban,
        "reference": "Rent",
        "amount": typed,
    }
    spoken = {"Accept-Language": language}
    filled_in = browser.post("/bank/transfer", fields, headers=spoken)
    page = browser.get(filled_in["Location"], headers=spoken)
    assert shown in page.content.decode().replace("\xa0", " ")


@given(st.sampled_from(["de", "en-gb", "zh-hans"]), st.integers(1, 10**15), st.sampled_from(["GBP", "JPY", "KWD"]))
def test_what_the_page_writes_it_reads(language, minor_units, currency):
    with translation.override(language):
        text = amounts.with_code(currency, minor_units).removesuffix(currency)
        assert amounts.parse(text) == amounts.decimal(currency, minor_units)


@given(st.sampled_from(["de", "en-gb", "zh-hans", "xx"]), st.text("0123456789.,’' _-+e\u0661\xa0", max_size=20))
def test_whatever_is_typed_is_an_amount_or_refused(language, typed):
    with translation.override(language):
        try:
            read = AmountField(localize=True).clean(typed)
        except ValidationError:
            return
    # Whatever the marks mean, the digits are those that were typed.
    assert read.is_finite()
    assert f"{read:f}".replace(".", "").lstrip("-0") == re.sub(r"\D", "", typed).lstrip("0")
