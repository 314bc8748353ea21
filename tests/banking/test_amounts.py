"""Amounts as people write and read them, in their language."""

from decimal import Decimal

import pytest
from django.forms import ValidationError
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from banking import amounts
from banking.web.forms import AmountField


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
        assert amounts.written(currency, minor_units).replace("\xa0", " ") == written
        assert amounts.shown(currency, minor_units).replace("\xa0", " ") == shown


@pytest.mark.parametrize(
    ("language", "typed", "read"),
    [
        ("de", "1.234,56", "1234.56"),
        ("de", "1.234", "1234"),
        ("de", "12,50", "12.5"),
        ("de", "12.50", "12.5"),  # the other way is taken where it can mean nothing else
        ("en-gb", "1,234.56", "1234.56"),
        ("en-gb", "12.50", "12.5"),
        ("zh-hans", "1,234.56", "1234.56"),
    ],
)
def test_an_amount_is_read_as_its_language_writes_it(language, typed, read):
    with translation.override(language):
        assert AmountField(localize=True).clean(typed) == Decimal(read)


@pytest.mark.parametrize("language", ["de", "en-gb", "zh-hans"])
@pytest.mark.parametrize("typed", ["1.23,4", "12,34.5,6", "twelve", "NaN", "Infinity", "1,0e999999999", "0" * 400, ""])
def test_what_is_no_amount_is_refused(language, typed):
    with translation.override(language), pytest.raises(ValidationError):
        AmountField(localize=True, max_digits=15, decimal_places=3, min_value=Decimal("0.001")).clean(typed)


@given(st.sampled_from(["de", "en-gb", "zh-hans"]), st.integers(1, 10**15), st.sampled_from(["GBP", "JPY", "KWD"]))
def test_what_the_page_writes_it_reads(language, minor_units, currency):
    with translation.override(language):
        text = amounts.shown(currency, minor_units).removesuffix(currency)
        assert amounts.read(text) == amounts.decimal(currency, minor_units)


@given(st.sampled_from(["de", "en-gb", "zh-hans", "he"]), st.text(max_size=40))
def test_whatever_is_typed_is_an_amount_or_refused(language, typed):
    with translation.override(language):
        try:
            assert AmountField(localize=True).clean(typed).is_finite()
        except ValidationError:
            pass
