"""Amounts as people write them; the API itself speaks minor units only."""

from decimal import Decimal

from babel import UnknownLocaleError
from babel.numbers import format_currency, get_currency_precision
from django.utils import translation


def decimal(currency: str, minor_units: int) -> Decimal:
    """ISO 4217: a yen has no smaller unit, a dinar a thousand of them."""
    return Decimal(minor_units).scaleb(-get_currency_precision(currency))


def written(currency: str, minor_units: int) -> str:
    """With the sign of the currency, as the language of the page writes it: “£12.50”."""
    locale = translation.to_locale(translation.get_language() or "en")
    try:
        return format_currency(decimal(currency, minor_units), currency, locale=locale)
    except (UnknownLocaleError, ValueError):
        return format_currency(decimal(currency, minor_units), currency, locale="en")


def shown(currency: str, minor_units: int) -> str:
    """With the code of the currency, in the language of the page: “12.50 GBP”."""
    locale = translation.to_locale(translation.get_language() or "en")
    try:
        return format_currency(decimal(currency, minor_units), currency, "#,##0.00 ¤¤", locale=locale)
    except (UnknownLocaleError, ValueError):
        return format_currency(decimal(currency, minor_units), currency, "#,##0.00 ¤¤", locale="en")
