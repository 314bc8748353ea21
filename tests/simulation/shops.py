"""Shops place holds on the accounts of cards, and then capture or release them, or let them expire."""

import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.utils import timezone

from banking import ledger
from banking.accounts.opening import internal_account
from banking.ledger.refusals import Refusal
from banking.models import Account, Hold
from tests.simulation.desk import Desk

OF_SHOPS = "Card payments"


@dataclass
class Shop:
    accounts: list[UUID]
    dice: random.Random
    desk: Desk
    open: list[Hold] = field(default_factory=list)

    def act(self) -> None:
        try:
            self.dice.choices([self.reserve, self.take, self.give_back, self.forget], [6, 3, 2, 1])[0]()
        except Refusal as refusal:
            self.desk.told[refusal.code] += 1
        except IntegrityError as error:
            if "is final" not in str(error):
                raise
            self.desk.told["the hold has ended"] += 1

    def reserve(self) -> None:
        account = Account.objects.get(pk=self.dice.choice(self.accounts))
        until = timezone.now() + timedelta(seconds=self.dice.uniform(0.5, 10))
        amount_minor = self.dice.randint(1, 400)
        self.open.append(ledger.in_transaction(lambda: ledger.hold(account, amount_minor, until=until)))

    def take(self) -> None:
        if held := self._any():
            taken = ledger.in_transaction(lambda: self._take(held))
            self.desk.captured[held.pk] = taken.pk

    def _take(self, held: Hold) -> Any:
        shops = internal_account(held.account.currency, OF_SHOPS)
        entries = [(held.account, -held.amount_minor), (shops, held.amount_minor)]
        return ledger.post(entries, description="simulated", kind="card", capturing=held)

    def give_back(self) -> None:
        if held := self._any():
            ledger.in_transaction(lambda: self._give_back(held))
            self.desk.released.add(held.pk)

    @staticmethod
    def _give_back(held: Hold) -> None:
        ledger.lock([held.account_id])
        ledger.release(held)

    def forget(self) -> None:
        self._any()

    def _any(self) -> Hold | None:
        """Returns one of the holds. Each is returned only once, because an answer may be lost."""
        return self.open.pop(self.dice.randrange(len(self.open))) if self.open else None
