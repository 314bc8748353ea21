"""Users who exchange currency over HTTP while the bank sets new rates, and who record the answers."""

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import requests
from django.utils import timezone

from banking import exchanges
from tests.simulation.apps import App
from tests.simulation.desk import Desk

Body = dict[str, Any]
#: Currencies with two, three and no decimal digits. The amounts are chosen so that the other amount must be rounded.
CURRENCIES = {"GBP": 400, "EUR": 400, "KWD": 1_500, "JPY": 700}
#: The rates of the pairs that the bank exchanges. Other pairs have no rate.
PAIRS = {("GBP", "EUR"): Decimal("1.17"), ("GBP", "JPY"): Decimal("191.3"), ("KWD", "EUR"): Decimal("2.79")}
TRY_AGAIN = {"request_in_progress", "temporarily_unavailable"}
#: Refusals that are stored with the idempotency key, so the same request is refused again.
REFUSALS = {"insufficient_funds", "account_not_open", "rate_moved", "quote_expired", "quote_used"}
REFUSALS_OF_QUOTES = {"account_not_open", "no_exchange_rate"}


@dataclass
class Taken:
    """A quote that was accepted with a key, and the answer, if there was one."""

    quote: Body
    key: str
    id: str | None = None
    refused_with: str | None = None


@dataclass
class Changer:
    url: str
    app: App
    #: By currency.
    accounts: dict[str, str]
    dice: random.Random
    desk: Desk
    quotes: list[Body] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)

    def act(self) -> None:
        self.dice.choices([self.quote, self.take, self.retry, self.take_again], [6, 5, 3, 1])[0]()

    def on_another_device(self, dice: random.Random) -> "Changer":
        """The same user on another device, who accepts the same quotes at the same time."""
        return replace(self, dice=dice, told=Counter())

    def quote(self) -> None:
        pair = self.dice.choice(list(PAIRS)) if self.dice.random() < 0.9 else tuple(CURRENCIES)
        sold, bought = self.dice.sample(pair, 2)
        fixed = self.dice.choice([sold, bought])
        wanted = {
            "source_account_id": self.accounts[sold], "destination_account_id": self.accounts[bought],
            "amount": {"currency": fixed, "minor_units": self.dice.randint(1, CURRENCIES[fixed])},
        }  # fmt: skip
        answer = self._ask("exchange-quotes", wanted)
        said = answer.json()
        if answer.status_code == 201:
            self._expect(said["sell" if fixed == sold else "buy"] == wanted["amount"], wanted, said)
            self.quotes.append(said)
            return
        # An exchange of less than one minor unit is refused.
        is_refused = said["code"] in {*REFUSALS_OF_QUOTES, "amount_out_of_range"}
        has_rate = (sold, bought) in PAIRS or (bought, sold) in PAIRS
        self._expect(is_refused or said["code"] in TRY_AGAIN, wanted, said)
        self._expect(said["code"] != "no_exchange_rate" or not has_rate, wanted, said)

    def take(self) -> None:
        """Accepts a quote: usually a new one, sometimes an expired one, or one that another device accepts at the same
        time.
        """
        used = {one.quote["id"] for one in self.taken}
        unused = [one for one in self.quotes[-10:] if one["id"] not in used]
        if quotes := unused if self.dice.random() < 0.8 else self.quotes:
            self._send_new(self.dice.choice(quotes))

    def retry(self) -> None:
        if self.taken:
            self._send(self.dice.choice(self.taken[-50:]))

    def take_again(self) -> None:
        """Accepts a quote again with another key, which must always be refused."""
        if done := [one for one in self.taken if one.id]:
            self._send_new(self.dice.choice(done[-20:]).quote)

    def list_all(self) -> dict[str, Body]:
        """Returns all objects of the API at the end, by id, read page by page."""
        found: dict[str, Body] = {}
        cursor: str | None = ""
        while cursor is not None:
            page = f"?limit=200&cursor={cursor}" if cursor else "?limit=200"
            answer = self._ask(f"exchanges{page}")
            if answer.status_code == 503:  # the connection was closed before, and its error is reported now
                continue
            found |= {one["id"]: one for one in answer.json()["data"]}
            cursor = answer.json()["next_cursor"]
        return found

    def _send_new(self, quote: Body) -> None:
        taken = Taken(quote, f"{self.dice.getrandbits(128):032x}")
        self.taken.append(taken)
        self._send(taken)

    def _send(self, taken: Taken) -> None:
        """Sends the request, for the first time or again."""
        answer = self._ask("exchanges", {"quote_id": taken.quote["id"]}, {"Idempotency-Key": taken.key})
        said = answer.json()
        if answer.status_code == 201:
            self._expect(taken.refused_with is None and taken.id in (None, said["id"]), taken, said)
            self._expect(all(said[name] == taken.quote[name] for name in ("sell", "buy", "rate")), taken, said)
            taken.id = said["id"]
        elif said["code"] in REFUSALS:
            self._expect(taken.id is None and taken.refused_with in (None, said["code"]), taken, said)
            taken.refused_with = said["code"]
        else:
            self._expect(said["code"] in TRY_AGAIN, taken, said)

    def _ask(self, path: str, body: Body | None = None, headers: dict[str, str] | None = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.app.token}", **(headers or {})}
        method = "GET" if body is None else "POST"
        answer = requests.request(method, f"{self.url}/api/v1/{path}", json=body, headers=headers, timeout=60)
        said = "" if answer.ok else answer.json().get("code", "")
        self.told[f"{path.partition('?')[0]} {answer.status_code} {said}".strip()] += 1
        self._expect(answer.status_code != 500, path, answer.text)
        return answer

    def _expect(self, holds: bool, asked: object, said: object) -> None:
        if not holds:
            self.desk.violations.append(f"{asked} was answered with {said}")


@dataclass
class Rates:
    """The bank sets another rate every few seconds, as a feed does."""

    dice: random.Random
    desk: Desk
    #: When each rate was acknowledged. After that, no older rate of the pair may be used.
    acknowledged: dict[UUID, datetime] = field(default_factory=dict)

    def set_all(self) -> None:
        for pair in PAIRS:
            self._set(*pair)

    def act(self) -> None:
        self._set(*self.dice.choice(list(PAIRS)))

    def _set(self, base: str, counter: str) -> None:
        mid = PAIRS[base, counter] * Decimal(self.dice.randint(9_000, 11_000)) / 10_000
        spread_percent = self.dice.choice([Decimal(0), Decimal("0.35"), Decimal("2.5")])
        rate = exchanges.set_rate(base, counter, mid=mid, spread_percent=spread_percent, reason="simulated")
        self.acknowledged[rate.pk] = timezone.now()
