"""Users with apps that randomly pay, order, retry, cancel and read over HTTP, and record the answers."""

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import requests
from django.utils import timezone

from banking.payments.own_limit import set_own_limit
from banking.second_bank.amounts import NAMED
from tests.simulation.apps import App
from tests.simulation.desk import Desk

Body = dict[str, Any]
#: The answers that the API may give when something is down or busy. Any other answer that is not about the transfer is
#: a bug.
TRY_AGAIN = {503, 409}
REFUSALS = {"insufficient_funds", "account_not_open", "own_limit_exceeded"}
REFUSALS_OF_ORDERS = {"account_not_open", "too_many_orders"}
ELSEWHERE = ["DE89370400440532013000", "FR7630006000011234567890189"]
#: Marks the limit of a user as unknown, because the last change may or may not have taken effect.
UNKNOWN = -1


@dataclass
class Sent:
    """A requested transfer or order with its key, and the answer, if there was one."""

    app: App
    key: str
    body: Body
    amounts: set[int]
    is_to_others: bool
    path: str = "transfers"
    id: str | None = None
    refused_with: str | None = None
    is_cancelled: bool = False

    @property
    def amount_minor(self) -> int:
        amount_minor: int = self.body["amount"]["minor_units"]
        return amount_minor


@dataclass
class Person:
    url: str
    user_id: UUID
    apps: list[App]
    accounts: list[str]
    ibans_of_others: list[str]
    dice: random.Random
    desk: Desk
    sent: list[Sent] = field(default_factory=list)
    ordered: list[Sent] = field(default_factory=list)
    statements: dict[tuple[str, str], Body] = field(default_factory=dict)
    limit: int | None = None
    sets_limits: bool = True
    told: Counter[str] = field(default_factory=Counter)

    def act(self) -> None:
        actions = [self.pay, self.retry, self.cancel, self.look, self.order, self.change_order, self.read_a_statement]
        self.dice.choices([*actions, self.set_limit], [12, 6, 2, 2, 3, 2, 1, self.sets_limits])[0]()

    def on_another_device(self, dice: random.Random) -> "Person":
        """The same user on another device, who makes, cancels and retries the same payments at the same time."""
        return replace(self, dice=dice, told=Counter(), limit=UNKNOWN, sets_limits=False)

    # --- transfers

    def pay(self) -> None:
        sent = self._new("transfers")
        self.sent.append(sent)
        limit, before = self.limit, self.paid_to_others()
        self.send(sent)
        if sent.is_to_others and sent.id and limit not in (None, UNKNOWN) and before + sent.amount_minor > limit:
            self.violate(f"{sent} was made above the limit {limit}: {before} was paid to others")
        if sent.refused_with == "own_limit_exceeded" and limit is None:
            self.violate(f"{sent} was refused by a limit that is not set")

    def retry(self) -> None:
        if self.sent:
            self.send(self.dice.choice(self.sent[-50:]))

    def send(self, sent: Sent) -> None:
        """Sends the request, for the first time or again."""
        answer = self._post(sent.path, sent.body, sent.app, {"Idempotency-Key": sent.key})
        said = answer.json()
        if answer.status_code == 201:
            self._expect(sent, sent.refused_with is None and sent.id in (None, said["id"]), said)
            sent.id = said["id"]
            if sent.path != "transfers":
                self.desk.orders[sent.app.user_id, sent.app.client_id].add(said["id"])
        elif said["code"] in (REFUSALS if sent.path == "transfers" else REFUSALS_OF_ORDERS):
            self._expect(sent, sent.id is None and sent.refused_with in (None, said["code"]), said)
            sent.refused_with = said["code"]
        else:
            self._expect(sent, self._is_no_answer(answer, sent.app), said)

    def cancel(self) -> None:
        made = [sent for sent in self.sent[-20:] if sent.id and not sent.is_cancelled]
        if not made:
            return
        sent = self.dice.choice(made)
        answer = self._post(f"transfers/{sent.id}/cancel", {}, sent.app)
        sent.is_cancelled = answer.status_code == 200
        self._expect(sent, answer.status_code == 200 or self._is_no_answer(answer, sent.app), answer.json())

    def paid_to_others(self) -> int:
        """Returns the sum that was certainly paid to others: transfers within the bank, which are posted
        immediately.
        """
        here = [one for one in self.sent if one.id and one.is_to_others and _iban(one) not in ELSEWHERE]
        return sum(one.amount_minor for one in here)

    # --- orders

    def order(self) -> None:
        """Orders a payment on one of the next days, or a standing order. Sends the request twice."""
        sent = self._new("scheduled-transfers")
        first_on = self.desk.today + timedelta(days=self.dice.randint(0, 2))
        frequency = self.dice.choice(["once", "daily", "daily", "daily", "weekly", "monthly"])
        sent.body |= {"first_on": first_on.isoformat(), "frequency": frequency}
        if frequency == "daily":
            sent.body["last_on"] = (first_on + timedelta(days=self.dice.randint(1, 20))).isoformat()
        if frequency != "once":
            sent.body["interval"] = self.dice.randint(1, 2)
        self.ordered.append(sent)
        for _ in range(2):
            self.send(sent)

    def change_order(self) -> None:
        known = [one for one in self.ordered if one.id and not one.is_cancelled]
        if not known:
            return
        order = self.dice.choice(known[-30:])
        self.dice.choice([self._stop, self._stop, self._resume, self._resume, self._change_amount])(order)

    def _stop(self, order: Sent) -> None:
        act, began = self.dice.choice(["pause", "pause", "cancel"]), timezone.now()
        answer = self._post(f"scheduled-transfers/{order.id}/{act}", {}, order.app)
        if answer.status_code == 200:
            self.desk.stop(str(order.id), began)
            order.is_cancelled = act == "cancel"
        self._expect(order, answer.status_code == 200 or self._is_no_answer(answer, order.app), answer.json())

    def _resume(self, order: Sent) -> None:
        with self.desk.starting(str(order.id)) as start:
            answer = self._post(f"scheduled-transfers/{order.id}/resume", {}, order.app)
            start.is_refused = answer.status_code in (401, 409)
        self._expect(order, answer.status_code == 200 or self._is_no_answer(answer, order.app), answer.json())

    def _change_amount(self, order: Sent) -> None:
        amount_minor = self.dice.randint(1, 400)
        order.amounts.add(amount_minor)
        change = {"amount": {"currency": "GBP", "minor_units": amount_minor}}
        answer = self._ask("PATCH", f"scheduled-transfers/{order.id}", order.app, json=change)
        self._expect(order, answer.status_code == 200 or self._is_no_answer(answer, order.app), answer.json())

    # --- reads and settings

    def look(self) -> None:
        """Reads the accounts. None may be below zero."""
        answer = self._ask("GET", f"accounts/{self.dice.choice(self.accounts)}/balances", self.apps[0])
        if answer.status_code == 200 and answer.json()["available"]["minor_units"] < 0:
            self.violate(f"an account is overdrawn: {answer.json()}")

    def read_a_statement(self) -> None:
        """Reads a statement, which must never change."""
        account, month = self.dice.choice(self.accounts), self.dice.choice(["2026-08", "2026-09", "2026-10"])
        answer = self._ask("GET", f"accounts/{account}/statements/{month}", self.apps[0])
        if answer.status_code == 200:
            first = self.statements.setdefault((account, month), answer.json())
            if answer.json() != first:
                self.violate(f"the statement of {month} was {first} and is {answer.json()}")
        elif answer.status_code != 503:
            self.violate(f"the statement of {month} was answered with {answer.text}")

    def set_limit(self) -> None:
        """Sets the limit as the page of the web bank does. Sometimes the limit is low."""
        wanted = self.dice.choice([None, None, self.paid_to_others() + self.dice.randint(0, 2_000), 10**9])
        self.limit = UNKNOWN
        set_own_limit(self.user_id, "GBP", wanted, is_proven=True)
        self.limit = wanted

    def all_of(self, path: str) -> dict[str, Body]:
        """Returns all objects of the API at the end, by id, read page by page."""
        found: dict[str, Body] = {}
        cursor: str | None = ""
        while cursor is not None:
            answer = self._ask("GET", f"{path}?limit=200" + (f"&cursor={cursor}" if cursor else ""), self.apps[0])
            if answer.status_code == 503:  # the connection was closed before, and its error is reported now
                continue
            found |= {one["id"]: one for one in answer.json()["data"]}
            cursor = answer.json()["next_cursor"]
        return found

    # --- helpers of the actions

    def _new(self, path: str) -> Sent:
        source, own = self.dice.sample(self.accounts, 2)
        destination: Body = self.dice.choice(
            [
                {"account_id": own},
                {"scheme": "iban", "identifier": self.dice.choice(self.ibans_of_others), "name": "Somebody"},
                {"scheme": "iban", "identifier": self.dice.choice(ELSEWHERE), "name": "Far Away"},
            ]
        )
        amount_minor = self.dice.randint(1, 400)
        if destination.get("identifier") in ELSEWHERE and self.dice.random() < 0.5:
            # an amount for which the second bank has a special behavior
            amount_minor = int(self.dice.choice(list(NAMED)))
        body = {
            "source_account_id": source, "destination": destination, "reference": "simulated",
            "amount": {"currency": "GBP", "minor_units": amount_minor},
        }  # fmt: skip
        return Sent(
            app=self.dice.choice(self.apps), key=f"{self.dice.getrandbits(128):032x}", body=body,
            amounts={amount_minor}, is_to_others="scheme" in destination, path=path,
        )  # fmt: skip

    def _post(self, path: str, body: Body, app: App, headers: dict[str, str] | None = None) -> requests.Response:
        return self._ask("POST", path, app, json=body, headers=headers)

    def _ask(
        self, method: str, path: str, app: App, *, headers: dict[str, str] | None = None, **more: Any
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {app.token}", **(headers or {})}
        answer = requests.request(method, f"{self.url}/api/v1/{path}", headers=headers, timeout=60, **more)
        self.told[f"{method} {answer.status_code}"] += 1
        if answer.status_code == 500:
            self.violate(f"{method} {path} was answered with 500: {answer.text}")
        return answer

    def _is_no_answer(self, answer: requests.Response, app: App) -> bool:
        return answer.status_code in TRY_AGAIN or (answer.status_code == 401 and app.is_removed_at_times)

    def _expect(self, sent: Sent, holds: bool, said: Body) -> None:
        if not holds:
            self.violate(f"{sent} was answered with {said}")

    def violate(self, what: str) -> None:
        self.desk.violations.append(what)


def _iban(sent: Sent) -> str:
    return str(sent.body["destination"].get("identifier", ""))
