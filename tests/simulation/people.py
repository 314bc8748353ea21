"""People with apps that pay, retry and cancel at random over HTTP, and remember what they were told."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests

Body = dict[str, Any]
#: What the API may say when something is down or busy; anything else that is not about the transfer is a fault of ours.
TRY_AGAIN = {503, 409}
REFUSALS = {"insufficient_funds", "account_not_open"}
ELSEWHERE = ["DE89370400440532013000", "FR7630006000011234567890189"]


@dataclass
class Sent:
    """A transfer that was asked for, under its key: what came back, if anything did."""

    key: str
    body: Body
    amount_minor: int
    transfer_id: str | None = None
    refused_with: str | None = None
    is_cancelled: bool = False


@dataclass
class Person:
    url: str
    token: str
    accounts: list[str]
    ibans_of_others: list[str]
    dice: random.Random
    sent: list[Sent] = field(default_factory=list)
    #: Payment orders of today, by idempotency key, and the id that each was acknowledged with.
    ordered: dict[str, str | None] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    #: What must never happen, in words.
    violations: list[str] = field(default_factory=list)

    def act_until(self, stop: threading.Event) -> None:
        while not stop.is_set():
            actions = [self.pay, self.retry, self.cancel, self.look, self.order]
            action = self.dice.choices(actions, [6, 3, 1, 1, 1])[0]
            try:
                action()
            except requests.RequestException:  # a worker was killed: the answer is lost
                self.told["lost"] += 1
                time.sleep(0.05)  # as an app would, before it tries again

    def order(self) -> None:
        """A payment order that is due today; its answer is asked for twice."""
        body, _amount_minor = self._body()
        body |= {"first_on": datetime.now(UTC).date().isoformat(), "frequency": "once"}
        key = f"{self.dice.getrandbits(128):032x}"
        self.ordered[key] = None
        for _ in range(2):
            answer = self._post("/api/v1/scheduled-transfers", body, {"Idempotency-Key": key})
            said = answer.json()
            if answer.status_code == 201 and self.ordered[key] in (None, said["id"]):
                self.ordered[key] = said["id"]
            elif answer.status_code not in TRY_AGAIN and said["code"] != "insufficient_user_authentication":
                self.violations.append(f"the order {key} was answered with {said}")

    def pay(self) -> None:
        body, amount_minor = self._body()
        sent = Sent(f"{self.dice.getrandbits(128):032x}", body, amount_minor)
        self.sent.append(sent)
        self.send(sent)

    def _body(self) -> tuple[Body, int]:
        """Of a transfer, and its amount."""
        source, own = self.dice.sample(self.accounts, 2)
        destination: Body = self.dice.choice(
            [
                {"account_id": own},
                {"scheme": "iban", "identifier": self.dice.choice(self.ibans_of_others), "name": "Somebody"},
                {"scheme": "iban", "identifier": self.dice.choice(ELSEWHERE), "name": "Far Away"},
            ]
        )
        amount_minor = self.dice.randint(1, 400)
        body = {
            "source_account_id": source, "destination": destination, "reference": "simulated",
            "amount": {"currency": "GBP", "minor_units": amount_minor},
        }  # fmt: skip
        return body, amount_minor

    def retry(self) -> None:
        if self.sent:
            self.send(self.dice.choice(self.sent[-50:]))

    def send(self, sent: Sent) -> None:
        answer = self._post("/api/v1/transfers", sent.body, {"Idempotency-Key": sent.key})
        said = answer.json()
        if answer.status_code == 201:
            self._expect(sent, sent.refused_with is None and sent.transfer_id in (None, said["id"]), said)
            sent.transfer_id = said["id"]
        elif said["code"] in REFUSALS:
            self._expect(sent, sent.transfer_id is None, said)
            sent.refused_with = said["code"]
        else:
            self._expect(sent, answer.status_code in TRY_AGAIN, said)

    def cancel(self) -> None:
        made = [sent for sent in self.sent[-20:] if sent.transfer_id and not sent.is_cancelled]
        if not made:
            return
        sent = self.dice.choice(made)
        answer = self._post(f"/api/v1/transfers/{sent.transfer_id}/cancel", {}, {})
        sent.is_cancelled = answer.status_code == 200
        self._expect(sent, answer.status_code in (200, *TRY_AGAIN), answer.json())

    def look(self) -> None:
        """No account is ever seen below zero."""
        answer = self._ask("GET", f"/api/v1/accounts/{self.dice.choice(self.accounts)}/balances")
        if answer.status_code == 200 and answer.json()["available"]["minor_units"] < 0:
            self.violations.append(f"an account is overdrawn: {answer.json()}")

    def _post(self, path: str, body: Body, headers: dict[str, str]) -> requests.Response:
        return self._ask("POST", path, json=body, headers=headers)

    def _ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        answer = requests.request(method, f"{self.url}{path}", headers=headers, timeout=60, **more)
        self.told[f"{method} {answer.status_code}"] += 1
        if answer.status_code == 500:
            self.violations.append(f"{method} {path} was answered with 500: {answer.text}")
        return answer

    def _expect(self, sent: Sent, holds: bool, said: Body) -> None:
        if not holds:
            self.violations.append(f"{sent} was answered with {said}")
