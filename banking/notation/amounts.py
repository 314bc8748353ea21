"""Amounts as users read and write them. The API uses minor units only."""

import re
from copy import copy
from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.numbers import NumberPattern, format_decimal, parse_decimal, parse_pattern
from django.utils import translation

from banking.notation.currencies import minor_digits

#: The largest integer that every JSON parser keeps exact (RFC 8259 §6: 2^53 - 1). Balances stay within ± this number.
MOST_MINOR = 2**53 - 1
# Excludes exponents and underscores, which Decimal accepts, and numbers longer than a user types.
_AMOUNT = re.compile("-?[0-9.,’'\xa0\u202f]{1,32}")
# In every language, one or two digits after the only point or comma are read as decimals, because many keypads have
# only one of the two characters.
_SMALL = re.compile("([0-9]{1,15})[.,]([0-9]{1,2})")


def decimal(currency: str, minor_units: int) -> Decimal:
    """The amount in major units by ISO 4217: a yen has no minor unit, a dinar has a thousand."""
    return Decimal(minor_units).scaleb(-minor_digits(currency))


def plain(currency: str, minor_units: int) -> str:
    """For stored texts, which are the same in every language: “1234.50 GBP”."""
    return f"{decimal(currency, minor_units)} {currency}"


def parse(text: str) -> Decimal:
    """Reads an amount in the notation of the page's language: “1.500” is 1500 in German and 1.5 in English.

    Raises ValueError for a notation that the language does not have (“12.3456,7”, “1,50,000”); it never guesses.
    """
    text = text.strip()
    if small := _SMALL.fullmatch(text):
        return Decimal(f"{small[1]}.{small[2]}")
    if not _AMOUNT.fullmatch(text):
        raise ValueError("not an amount")
    return parse_decimal(text, locale=_locale(), strict=True)


def example() -> str:
    """An amount in the notation of the page's language, for error messages."""
    return format_decimal(Decimal("1234.50"), "#,##0.00", locale=_locale())


def with_symbol(currency: str, minor_units: int) -> str:
    """With the currency's symbol, in the notation of the page's language: “£12.50”."""
    return _written(currency, minor_units, _locale().currency_formats["standard"])


def with_code(currency: str, minor_units: int) -> str:
    """With the currency's code, in the notation of the page's language: “12.50 GBP”."""
    return _written(currency, minor_units, parse_pattern("#,##0.00 ¤¤"))


def without_currency(currency: str, minor_units: int) -> str:
    """Without a currency, for a column whose header names it, in the notation of the page's language: “1,234.50”."""
    return _written(currency, minor_units, parse_pattern("#,##0.00"))


def _written(currency: str, minor_units: int, pattern: NumberPattern) -> str:
    """Uses the number of digits of ISO 4217, because Babel uses that of CLDR."""
    exact = copy(pattern)
    exact.frac_prec = (minor_digits(currency),) * 2
    written: str = exact.apply(decimal(currency, minor_units), _locale(), currency=currency, currency_digits=False)
    return written


def _locale() -> Locale:
    try:
        return Locale.parse(translation.to_locale(translation.get_language() or "en"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")
