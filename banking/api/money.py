"""Money in JSON: integer minor units and an ISO 4217 code."""

from banking.api.fields import AmountField, CurrencyField, StrictSerializer
from banking.api.representations import Money


def money(currency: str, minor_units: int) -> Money:
    return {"currency": currency, "minor_units": minor_units}


class AmountToPaySerializer(StrictSerializer):
    currency = CurrencyField(help_text="ISO 4217")
    minor_units = AmountField(help_text="1234 is 12.34 in GBP")
