"""Opens the accounts of all users, and fills them with `ledger.bulk.post_all`, the bank's function for importing
history.
"""

import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import cache

from accounts.models import User
from banking.accounts.opening import internal_account, open_account
from banking.ledger import bulk
from banking.models import Account
from demo.seed import arrangements, history, products
from demo.seed.history import Event, Pot
from demo.seed.people import Person

# Internal account of the bank -> the kind of a transaction with it.
_KINDS = {history.INCOMING: "credit_transfer", history.DIRECT_DEBITS: "direct_debit", history.CARDS: "card"}


def ensure(people: Iterable[tuple[Person, User]], *, now: datetime) -> None:
    """Opens accounts for customers who have none. Other customers are skipped, because they may have moved their
    money.
    """
    new = [
        (person, user) for person, user in people if person.income and not Account.objects.filter(holder=user).exists()
    ]
    if not new:
        return
    pots = {pot: account for person, user in new for pot, account in _open(person, user).items()}
    events = history.of([person for person, _ in new], until=now)
    Account.objects.filter(pk__in=[account.pk for account in pots.values()]).update(
        opened_at=now - timedelta(days=history.DAYS + 1)
    )
    ids = bulk.post_all(list(_postings(events, pots)))
    arrangements.make(pots, list(zip(events, ids, strict=True)), now=now)


def _postings(events: Iterable[Event], pots: dict[Pot, Account]) -> Iterator[bulk.Posting]:
    of_bank = cache(internal_account)
    for event in events:
        currency = next(pots[side].currency for side in (event.source, event.destination) if isinstance(side, Pot))
        source, destination = (
            pots[side] if isinstance(side, Pot) else of_bank(currency, side)
            for side in (event.source, event.destination)
        )
        yield bulk.Posting(
            source.pk, destination.pk, event.amount_minor, event.description, kind=_kind(event), at=event.at
        )


def _kind(event: Event) -> str:
    return next((_KINDS[side] for side in (event.source, event.destination) if isinstance(side, str)), "transfer")


def _open(person: Person, user: User) -> dict[Pot, Account]:
    wanted = [
        (history.EVERYDAY, "Everyday", person.home.currency, Account.Type.CURRENT),
        (history.SAVINGS, "Rainy day", person.home.currency, Account.Type.SAVINGS),
    ]
    if person.travels:
        name, place = person.travels
        wanted.append((history.TRAVEL, name, place.currency, Account.Type.CURRENT))
    if person.shares:
        wanted.append((history.JOINT, "Household", person.home.currency, Account.Type.CURRENT))
    pots = ((Pot(person.email, key), name, currency, type) for key, name, currency, type in wanted)
    offered = products.ensure()
    return {
        pot: open_account(
            user, name=name, currency=currency, type=type, number=_number(pot), product=offered.get((type, currency))
        )
        for pot, name, currency, type in pots
    }


def _number(pot: Pot) -> int:
    """The account number. It is the same in every demo, and outside of the range that `demo_seed --scale` uses."""
    return 50_000_000 + zlib.crc32(" ".join(pot).encode()) % 50_000_000
