"""Checks of exchanges after the end of the simulation. Each function returns violations as text."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from banking.exchanges.execution import POSITION
from banking.models import Account, Exchange, ExchangeRate, LedgerTransaction
from tests.simulation.changers import Changer

_MINOR_DIGITS = {"GBP": 2, "EUR": 2, "KWD": 3, "JPY": 0}
_DIGITS_OF_A_RATE = 12


def the_api_shows_them(changer: Changer) -> Iterator[str]:
    shown = changer.list_all()
    for taken in changer.taken:
        if taken.id and shown.get(taken.id, {}).get("quote_id") != taken.quote["id"]:
            yield f"acknowledged and shown as {shown.get(taken.id)}: {taken}"


def exchanges_are_as_told(changers: Iterable[Changer], acknowledged_rates: dict[UUID, datetime]) -> Iterator[str]:
    """Each acknowledged exchange was made once, each other one at most once, and all at the quoted rate."""
    taken = {one.key: one for changer in changers for one in changer.taken}
    stored = {one.idempotency_key: one for one in Exchange.objects.select_related("quote__of_rate", "sold", "bought")}
    yield from (f"nobody took {key}" for key in stored.keys() - taken.keys())
    for key, asked in taken.items():
        done = stored.get(key)
        if asked.id and (done is None or str(done.pk) != asked.id):
            yield f"acknowledged and not there: {asked}"
        if asked.refused_with and done is not None:
            yield f"refused and there: {asked}"
        if done is not None and str(done.quote_id) != asked.quote["id"]:
            yield f"another quote: {asked}"
    for done in stored.values():
        yield from (f"{one}: {done} of {done.quote}" for one in _wrong(done))
    yield from _used_old_rates(stored.values(), acknowledged_rates)
    halves = LedgerTransaction.objects.filter(kind="exchange").values_list("pk", "exchange_id")
    legs = [(pk, one.pk) for one in stored.values() for pk in (one.sold_id, one.bought_id)]
    if Counter(halves) != Counter(legs):
        yield f"half an exchange: {set(halves) ^ set(legs)}"
    yield from (
        f"half an exchange was reversed: {one.pk}"
        for one in LedgerTransaction.objects.filter(reverses__kind="exchange")
    )


def _wrong(done: Exchange) -> Iterator[str]:
    quote = done.quote
    if not quote.created_at <= done.created_at < quote.expires_at:
        yield "carried out after it had expired"
    wanted = {
        "sold": {(quote.source_id, quote.sell_currency, -quote.sell_minor), (None, quote.sell_currency, quote.sell_minor)},
        "bought": {
            (quote.destination_id, quote.buy_currency, quote.buy_minor), (None, quote.buy_currency, -quote.buy_minor),
        },
    }  # fmt: skip
    for name, entries in wanted.items():
        found = getattr(done, name).entries.select_related("account")
        legs = [(_customers(one.account), one.account.currency, one.amount_minor) for one in found]
        if sorted(legs, key=str) != sorted(entries, key=str):
            yield f"{name} is {legs}"
    yield from _rounded_wrongly(quote)


def _customers(account: Account) -> UUID | None:
    """Returns the customer's account; None for the bank's own account of exchanges."""
    return None if (account.kind, account.name) == ("internal", POSITION) else account.pk


def _rounded_wrongly(quote: Any) -> Iterator[str]:
    """Computes each exchange with fractions, without the code of the bank: the customer gets the mid rate less the
    spread, truncated to twelve digits, and the resulting amount is rounded in the bank's favor.
    """
    of_rate = quote.of_rate
    mid, kept = Fraction(of_rate.mid), 1 - Fraction(of_rate.spread_percent) / 100
    exact = mid * kept if of_rate.base == quote.sell_currency else kept / mid
    rate = Fraction(math.floor(exact * 10**_DIGITS_OF_A_RATE), 10**_DIGITS_OF_A_RATE)
    if Fraction(quote.rate) != rate:
        yield f"the rate is {quote.rate} and must be {float(rate)}"
    factor = rate * Fraction(10) ** (_MINOR_DIGITS[quote.buy_currency] - _MINOR_DIGITS[quote.sell_currency])
    if quote.fixed == "sell" and quote.buy_minor != math.floor(quote.sell_minor * factor):
        yield f"{quote.buy_minor} is bought instead of {float(quote.sell_minor * factor)}"
    if quote.fixed == "buy" and quote.sell_minor != math.ceil(quote.buy_minor / factor):
        yield f"{quote.sell_minor} is sold instead of {float(quote.buy_minor / factor)}"


def _used_old_rates(done: Iterable[Exchange], acknowledged: dict[UUID, datetime]) -> Iterator[str]:
    """After the bank has set another rate, no exchange begins at the old rate."""
    rates = list(ExchangeRate.objects.order_by("valid_from", "pk"))
    for one in done:
        used = one.quote.of_rate
        newer = rates[[rate.pk for rate in rates].index(used.pk) + 1 :]
        for rate in newer:
            since = acknowledged.get(rate.pk)
            if (rate.base, rate.counter) == (used.base, used.counter) and since and since < one.created_at:
                yield f"{one} of {one.created_at} was at {used}, and {rate} was in force since {since}"


def positions_follow() -> Iterator[str]:
    """The bank's own account of each currency has what customers sold of it less what they bought."""
    expected: Counter[str] = Counter()
    for quote in (done.quote for done in Exchange.objects.select_related("quote")):
        expected[quote.sell_currency] += quote.sell_minor
        expected[quote.buy_currency] -= quote.buy_minor
    for account in Account.objects.filter(kind="internal", name=POSITION):
        if account.posted_minor != expected[account.currency]:
            yield f"the position in {account.currency} is {account.posted_minor}, expected {expected[account.currency]}"
