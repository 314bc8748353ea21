"""A believable quarter in a person's accounts: the same events for the same person, whenever it is planted."""

import random
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from demo.seed.people import Income

DAYS = 92

EVERYDAY, SAVINGS, EUROS = "everyday", "savings", "euros"
INCOMING, DIRECT_DEBITS, CARDS = "Incoming payments", "Direct debits", "Card payments"

# day of the month, description, amount
_BILLS = [
    (1, "Rent, 14 Mill Lane", 98_500),
    (3, "Council tax", 14_620),
    (8, "Octave Energy", 7_835),
    (12, "Brightline broadband", 3_150),
    (18, "Pocketcast mobile", 1_400),
]
# description, from, to
_SHOPPING = [
    ("Greenway Grocers", 1_850, 6_900),
    ("Corner Pantry", 420, 1_900),
    ("Kettle & Crumb Coffee", 310, 940),
    ("City Tramways", 280, 1_250),
    ("The Paper Lantern", 1_650, 4_800),
    ("Foxglove Pharmacy", 380, 2_100),
    ("Second Shelf Books", 750, 2_600),
]
_ABROAD = [("Café Lindenhof, Wien", 680, 2_400), ("Hotel Sonne, Bregenz", 8_900, 17_800), ("SBB Kiosk", 450, 1_600)]


@dataclass(frozen=True, order=True)
class Event:
    at: datetime
    account: str
    amount_minor: int  # from the account's side: negative is money out
    other: str  # another account of the person, or the bank's own account that stands for the world
    description: str


def of(seed: str, income: Income, *, until: datetime) -> list[Event]:
    """Sorted by time; no account ever falls below zero, and much is left at the end."""
    chance = random.Random(seed)
    first = (until - timedelta(days=DAYS)).replace(hour=9, minute=0, second=0, microsecond=0)
    events = [
        Event(first, EVERYDAY, 2 * income.amount_minor, INCOMING, "Opening deposit"),
        Event(first, SAVINGS, 4 * income.amount_minor, INCOMING, "Opening deposit"),
        Event(first, EUROS, income.amount_minor // 3, INCOMING, "Opening deposit"),
    ]
    for number in range(1, DAYS):
        day = first + timedelta(days=number)
        events += _monthly(day, income)
        events += _shopping(day, chance)
    return sorted(event for event in events if event.at < until)


def _monthly(day: datetime, income: Income) -> list[Event]:
    early = datetime.combine(day, time(3, 30), day.tzinfo)
    events = [Event(early, EVERYDAY, -amount, DIRECT_DEBITS, name) for on, name, amount in _BILLS if day.day == on]
    if day.day == 25:
        events.append(Event(early, EVERYDAY, income.amount_minor, INCOMING, f"Salary, {income.payer}"))
    if day.day == 26:
        events.append(Event(early, SAVINGS, income.amount_minor // 10, EVERYDAY, "Monthly saving"))
    return events


def _shopping(day: datetime, chance: random.Random) -> list[Event]:
    def at() -> datetime:
        return day.replace(hour=chance.randrange(10, 21), minute=chance.randrange(60))

    events = []
    if chance.random() < 0.42:
        name, least, most = chance.choice(_SHOPPING)
        events.append(Event(at(), EVERYDAY, -chance.randrange(least, most), CARDS, name))
    if chance.random() < 0.05:
        name, least, most = chance.choice(_ABROAD)
        events.append(Event(at(), EUROS, -chance.randrange(least, most), CARDS, name))
    return events
