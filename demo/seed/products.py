"""The products of the demo's bank: accounts of each kind in the currencies of its customers."""

from decimal import Decimal

from banking.models import Product

CURRENCIES = ("GBP", "EUR", "USD", "CHF", "JPY")


def ensure() -> dict[tuple[str, str], Product]:
    """Creates the products. Returns them by kind and currency."""
    return {
        (kind, currency): Product.objects.get_or_create(name=name, currency=currency, defaults={"kind": kind, **terms})[
            0
        ]
        for currency in CURRENCIES
        for name, kind, terms in (
            (
                "Everyday",
                Product.Kind.CURRENT,
                {"is_on_offer": True, "allows_overdraft": True, "overdraft_interest_rate": Decimal("12.5")},
            ),
            ("Saver", Product.Kind.SAVINGS, {"is_on_offer": True, "credit_interest_rate": Decimal("1.75")}),
        )
    }
