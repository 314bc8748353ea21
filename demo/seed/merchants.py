"""Names and categories of the merchants that the demo's users pay, as apps see them."""

from banking.models import Category, Merchant

#: The name in the payment -> the name that apps show, the category, and the ISO 18245 code.
_MERCHANTS = {
    "Greenway Grocers": ("Greenway", Category.GROCERIES, "5411"),
    "Corner Pantry": ("Corner Pantry", Category.GROCERIES, "5499"),
    "Kettle & Crumb Coffee": ("Kettle & Crumb", Category.EATING_OUT, "5814"),
    "City Tramways": ("City Tramways", Category.TRANSPORT, "4111"),
    "The Paper Lantern": ("The Paper Lantern", Category.EATING_OUT, "5812"),
    "Foxglove Pharmacy": ("Foxglove", Category.HEALTH, "5912"),
    "Second Shelf Books": ("Second Shelf", Category.SHOPPING, "5942"),
    "Rent, 14 Mill Lane": ("Mill Lane Lettings", Category.HOUSING, "6513"),
    "Council tax": ("City Council", Category.TAXES, "9311"),
    "Octave Energy": ("Octave", Category.UTILITIES, "4900"),
    "Brightline broadband": ("Brightline", Category.UTILITIES, "4816"),
    "Pocketcast mobile": ("Pocketcast", Category.UTILITIES, "4814"),
    "Lantern home insurance": ("Lantern", Category.INSURANCE, "6300"),
    "Hotel Sonne, Bregenz": ("Hotel Sonne", Category.TRAVEL, "7011"),
    "Café Lindenhof, Wien": ("Café Lindenhof", Category.EATING_OUT, "5812"),
    "Boulangerie du Quai": ("Boulangerie du Quai", Category.GROCERIES, "5462"),
    "Tramway T4": ("Tramway T4", Category.TRANSPORT, "4111"),
    "Ryokan Fuji": ("Ryokan Fuji", Category.TRAVEL, "7011"),
}


def ensure() -> None:
    """Adds the merchants if there are none. Otherwise it changes nothing, because staff may have edited them."""
    if Merchant.objects.exists():
        return
    Merchant.objects.bulk_create(
        Merchant(counterparty=counterparty, name=name, category=category, category_code=code)
        for counterparty, (name, category, code) in _MERCHANTS.items()
    )
