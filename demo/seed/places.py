"""Places where the demo's users live and travel, with the prices there in minor units of the currency."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """`bills` contain the day of the month, `yearly` bills the month and day, and `shops` the lowest and highest
    price.
    """

    currency: str
    shops: tuple[tuple[str, int, int], ...]
    bills: tuple[tuple[int, str, int], ...] = ()
    yearly: tuple[tuple[int, int, str, int], ...] = ()


_MILL_LANE_SHOPS = (
    ("Greenway Grocers", 1_850, 6_900),
    ("Corner Pantry", 420, 1_900),
    ("Kettle & Crumb Coffee", 310, 940),
    ("City Tramways", 280, 1_250),
    ("The Paper Lantern", 1_650, 4_800),
    ("Foxglove Pharmacy", 380, 2_100),
    ("Second Shelf Books", 750, 2_600),
)
_MILL_LANE_BILLS = (
    (1, "Rent, 14 Mill Lane", 98_500),
    (3, "Council tax", 14_620),
    (8, "Octave Energy", 7_835),
    (12, "Brightline broadband", 3_150),
)
_PHONE = ((18, "Pocketcast mobile", 1_400),)
_YEARLY = ((3, 15, "Lantern home insurance", 24_800), (12, 12, "Gift cupboard", 11_900))

MILL_LANE = Place("GBP", _MILL_LANE_SHOPS, _MILL_LANE_BILLS + _PHONE, _YEARLY)
#: Two users who share a household: each pays their own phone, and both pay the rest together.
SHARED_FLAT = Place("GBP", _MILL_LANE_SHOPS, _PHONE)
HOUSEHOLD = Place("GBP", (("Greenway Grocers", 3_400, 9_800),), _MILL_LANE_BILLS, _YEARLY)
LYON = Place(
    "EUR",
    (
        ("Boulangerie du Quai", 240, 980),
        ("Marché Saint-Antoine", 1_300, 5_400),
        ("Tramway T4", 200, 620),
        ("Librairie des Pentes", 890, 3_100),
        ("Bouchon Colette", 1_900, 5_200),
    ),
    ((2, "Loyer, 3 rue des Tables", 81_000), (9, "Énergie Volta", 6_420), (20, "Fil Mobile", 1_299)),
    ((10, 15, "Taxe foncière", 42_300),),
)
ALPS = Place(
    "EUR", (("Café Lindenhof, Wien", 680, 2_400), ("Hotel Sonne, Bregenz", 8_900, 17_800), ("SBB Kiosk", 450, 1_600))
)
#: The yen has no smaller unit.
TOKYO = Place(
    "JPY", (("Kissaten Aoi, Tokyo", 480, 1_900), ("Ryokan Fuji", 9_800, 21_000), ("Subway Marunouchi", 170, 320))
)
