"""Amounts as people write them; the API itself speaks minor units only."""

from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, get_currency_precision, parse_decimal
from django.utils import translation


LONGEST = 32  # characters of an amount that somebody types


def decimal(currency: str, minor_units: int) -> Decimal:
    """ISO 4217: a yen has no smaller unit, a dinar a thousand of them."""
    return Decimal(minor_units).scaleb(-get_currency_precision(currency))


def read(text: str) -> Decimal:
    """As the language of the page writes it, thousands set apart or not: “1,234.50”, “1.234,50”. Raises ValueError."""
    if len(text) > LONGEST or any(sign.isalpha() for sign in text):  # Babel would write 1e999999 out
        raise ValueError("no amount")
    return parse_decimal(text.strip(), locale=_locale(), strict=True)


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
