"""The rates at which the demo's bank exchanges the currencies of its customers."""

from decimal import Decimal

from banking import exchanges
from banking.models import ExchangeRate

#: (base, counter) -> the mid rate.
MID = {
    ("GBP", "EUR"): Decimal("1.1700"),
    ("GBP", "USD"): Decimal("1.2700"),
    ("EUR", "USD"): Decimal("1.0855"),
    ("GBP", "JPY"): Decimal("191.50"),
    ("EUR", "JPY"): Decimal("163.70"),
}
SPREAD_PERCENT = Decimal("0.5")


def ensure() -> None:
    """Sets the missing rates. Existing rates are kept, because staff set them."""
    for (base, counter), mid in MID.items():
        if not ExchangeRate.objects.filter(base=base, counter=counter).exists():
            exchanges.set_rate(base, counter, mid=mid, spread_percent=SPREAD_PERCENT, reason="Demo")
