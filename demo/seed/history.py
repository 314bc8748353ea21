"""Two plausible years of transactions. The events depend only on the users and the day, so every run creates the same
ones.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import NamedTuple

from demo.seed.people import Person
from demo.seed.places import HOUSEHOLD, Place

DAYS = 730

EVERYDAY, SAVINGS, TRAVEL, JOINT = "everyday", "savings", "travel", "joint"
INCOMING, DIRECT_DEBITS, CARDS = "Incoming payments", "Direct debits", "Card payments"
SAVING_DAY, SAVING = 26, "Monthly saving"
_SHOPPING_ON, _TRAVELLING_ON = 0.6, 0.06  # probabilities per day


class Pot(NamedTuple):
    """An account of a user, before it is opened."""

    email: str
    name: str


@dataclass(frozen=True)
class Event:
    """A payment of `amount_minor` from `source` to `destination`. A str names an internal account of the bank, which
    represents everybody outside of the bank.
    """

    at: datetime
    source: Pot | str
    destination: Pot | str
    amount_minor: int
    description: str


def of(people: Iterable[Person], *, until: datetime) -> list[Event]:
    """The events of these users, sorted by time. No balance becomes negative: a purchase that the account cannot cover
    is left out.
    """
    people = list(people)
    emails = {person.email for person in people}
    first = (until - timedelta(days=DAYS)).replace(hour=9, minute=0, second=0, microsecond=0)
    events = [
        event
        for person in people
        for event in _life(person, first)
        if event.at < until
        and all(isinstance(side, str) or side.email in emails for side in (event.source, event.destination))
    ]
    return list(_covered(sorted(events, key=lambda event: event.at)))


def _covered(events: Iterable[Event]) -> Iterator[Event]:
    balances: dict[Pot | str, int] = defaultdict(int)
    for event in events:
        if isinstance(event.source, Pot) and balances[event.source] <= event.amount_minor:
            continue
        balances[event.source] -= event.amount_minor
        balances[event.destination] += event.amount_minor
        yield event


def _life(person: Person, first: datetime) -> Iterator[Event]:
    if person.income is None:
        return
    chance = random.Random(person.email)
    income = person.income.amount_minor
    everyday, savings, travel, joint = (Pot(person.email, name) for name in (EVERYDAY, SAVINGS, TRAVEL, JOINT))
    yield Event(first, INCOMING, everyday, 2 * income, "Opening deposit")
    yield Event(first, INCOMING, savings, 4 * income, "Opening deposit")
    if person.travels:
        yield Event(first, INCOMING, travel, income // 3, "Opening deposit")
    for number in range(1, DAYS):
        day = first + timedelta(days=number)
        early = datetime.combine(day, time(3, 30), day.tzinfo)
        if day.day == 25:
            yield Event(early, INCOMING, everyday, income, f"Salary, {person.income.payer}")
        if day.day == SAVING_DAY:
            yield Event(early, everyday, savings, income // 5, SAVING)
        yield from _spending(everyday, person.home, day, chance, _SHOPPING_ON)
        if person.travels:
            if day.day == 10:
                yield Event(early, INCOMING, travel, income // 20, "Currency bought")
            yield from _spending(travel, person.travels[1], day, chance, _TRAVELLING_ON)
        if person.shares:
            if day.day == 27:
                for one in (person.email, person.shares):
                    yield Event(early, Pot(one, EVERYDAY), joint, 80_000, "Household")
            yield from _spending(joint, HOUSEHOLD, day, chance, 0.2)
        if person.email == "alice@demo.test" and day.day == 14:
            yield Event(early, everyday, Pot("bob@demo.test", EVERYDAY), 2_500, "Supper club")


def _spending(pot: Pot, place: Place, day: datetime, chance: random.Random, likelihood: float) -> Iterator[Event]:
    early = datetime.combine(day, time(3, 45), day.tzinfo)
    for on, name, amount in place.bills:
        if day.day == on:
            yield Event(early, pot, DIRECT_DEBITS, amount, name)
    for month, on, name, amount in place.yearly:
        if (day.month, day.day) == (month, on):
            yield Event(early, pot, DIRECT_DEBITS, amount, name)
    if chance.random() < likelihood:
        name, least, most = chance.choice(place.shops)
        at = day.replace(hour=chance.randrange(10, 21), minute=chance.randrange(60))
        yield Event(at, pot, CARDS, chance.randrange(least, most), name)
