"""Template tags: amounts of money, and the accounts of the logged-in user."""

from datetime import date, datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from banking.notation import amounts, iban
from banking.notation import bank_day as days
from banking.web.user import accounts_of

register = template.Library()
register.filter("ending", iban.ending)
register.filter("grouped", iban.grouped)


@register.filter(expects_localtime=False)
def bank_day(at: datetime) -> date:
    """The day of a time in the bank's time zone, which may differ from that of the page."""
    return days.day_of(at)


@register.simple_tag
def money(currency: str, minor_units: int) -> SafeString:
    return format_html('<span class="money">{}</span>', amounts.with_symbol(currency, minor_units))


@register.simple_tag
def moved(currency: str, minor_units: int) -> SafeString:
    """The amount with a plus or minus sign, because color alone is not accessible."""
    sign, css = ("+", "money in") if minor_units > 0 else ("−", "money out")
    return format_html('<span class="{}">{}{}</span>', css, sign, amounts.with_symbol(currency, abs(minor_units)))


@register.inclusion_tag("bank/account_cards.html", takes_context=True)
def account_cards(context: dict[str, Any]) -> dict[str, Any]:
    """The user's accounts, for the home page."""
    return {"accounts": accounts_of(context["request"])}
