"""Amounts as people write them; the API itself speaks minor units only."""

import re
from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, format_decimal, get_currency_precision, parse_decimal
from django.utils import translation

# No exponent or underscore, which Decimal would take, and no more than somebody types.
_AMOUNT = re.compile("-?[0-9.,’'\xa0\u202f]{1,32}")
# Two digits after the only point or comma are never thousands, in any language; many a keypad has only one of the two.
_SMALL = re.compile("([0-9]{1,15})[.,]([0-9]{1,2})")


def decimal(currency: str, minor_units: int) -> Decimal:
    """ISO 4217: a yen has no smaller unit, a dinar a thousand of them."""
    return Decimal(minor_units).scaleb(-get_currency_precision(currency))


def read(text: str) -> Decimal:
    """As the language of the page writes it: “1.500” is 1500 in German, 1.5 in English. Raises ValueError.

    What the language would not write (“12.3456,7”, “1,50,000”) is refused, never put right.
    """
    text = text.strip()
    if small := _SMALL.fullmatch(text):
        return Decimal(f"{small[1]}.{small[2]}")
    if not _AMOUNT.fullmatch(text):
        raise ValueError("no amount")
    return parse_decimal(text, locale=_locale(), strict=True)


def example() -> str:
    return format_decimal(Decimal("1234.50"), "#,##0.00", locale=_locale())


def written(currency: str, minor_units: int) -> str:
    """With the sign of the currency, as the language of the page writes it: “£12.50”."""
    return format_currency(decimal(currency, minor_units), currency, locale=_locale())


def shown(currency: str, minor_units: int) -> str:
    """With the code of the currency, in the language of the page: “12.50 GBP”."""
    return format_currency(decimal(currency, minor_units), currency, "#,##0.00 ¤¤", locale=_locale())


def _locale() -> Locale:
    try:
        return Locale.parse(translation.to_locale(translation.get_language() or "en"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")
