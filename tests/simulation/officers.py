"""Officers of the bank: they freeze accounts, put payment orders on hold, and reverse payments, for which two are
needed.
"""

import random
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from banking import oversight, payments
from banking.ledger.refusals import Refusal
from banking.models import AccountFreeze, LedgerTransaction, ReversalRequest, ScheduledTransfer
from tests.simulation.desk import Desk

#: The maximum number of accounts that are frozen at a time, because the others must be able to pay.
MOST_FROZEN = 4


@dataclass
class Officer:
    user: Any
    accounts: list[UUID]
    dice: random.Random
    desk: Desk

    def act(self) -> None:
        acts = [self.freeze, self.unfreeze, self.ask, self.ask_for_a_capture, self.decide, self.hold_an_order]
        try:
            self.dice.choices([*acts, self.release_an_order, self.cancel_an_order], [2, 3, 3, 2, 5, 2, 3, 1])[0]()
        except Refusal as refusal:  # a customer or the other officer was faster
            self.desk.told[refusal.code] += 1

    @property
    def by(self) -> oversight.Officer:
        return oversight.Officer(self.user)

    def freeze(self) -> None:
        if AccountFreeze.objects.filter(unfrozen_by=None).count() < MOST_FROZEN:
            account = self.dice.choice(self.accounts)
            oversight.freeze(account, by=self.by, reason="simulated")
            self.desk.frozen[account] += 1

    def unfreeze(self) -> None:
        frozen = AccountFreeze.objects.filter(unfrozen_by=None).exclude(frozen_by=self.user)
        if one := self._any(frozen.values_list("account_id", flat=True)):
            oversight.unfreeze(one, by=self.by, reason="simulated")
            self.desk.unfrozen[one] += 1

    def ask(self) -> None:
        """Requests the reversal of a recent transaction, even if it was reversed before or may never be reversed."""
        kinds = ["transfer", "reversal", "return", "direct_debit", "refund", "exchange"]
        recent = LedgerTransaction.objects.filter(kind__in=kinds).order_by("-pk")
        if one := self._any(recent.values_list("pk", flat=True)):
            oversight.request_reversal(one, by=self.by, reason="simulated")

    def ask_for_a_capture(self) -> None:
        owed = [one for one in payments.handed_over()[:50] if payments.is_owed(one)]
        if owed:
            oversight.request_capture(self.dice.choice(owed).pk, by=self.by, reason="simulated")

    def decide(self) -> None:
        """Decides about a request. Officers also try to decide about their own requests, which must be refused."""
        asked = ReversalRequest.objects.filter(status="open")
        if (one := self._any(asked.values_list("pk", flat=True))) is None:
            return
        if self.dice.random() < 0.7:
            approved = oversight.approve_reversal(one, by=self.by)
            assert approved.reversal
            self.desk.approved[one] = approved.reversal.pk
        else:
            oversight.decline_reversal(one, by=self.by, reason="simulated")
            self.desk.declined.add(one)

    def hold_an_order(self) -> None:
        if one := self._any(self._orders(status="active")):
            began_at = timezone.now()
            oversight.hold_order(one, by=self.by, reason="simulated")
            self.desk.stop(str(one), began_at)

    def release_an_order(self) -> None:
        if one := self._any(self._orders(held_reason="staff")):
            with self.desk.starting(str(one)) as start:
                try:
                    oversight.release_order(one, by=self.by, reason="simulated")
                except Refusal:
                    start.is_refused = True

    def cancel_an_order(self) -> None:
        if one := self._any(self._orders(held_reason="staff")):
            began_at = timezone.now()
            oversight.cancel_order(one, by=self.by, reason="simulated")
            self.desk.stop(str(one), began_at)

    @staticmethod
    def _orders(**state: str) -> Any:
        return ScheduledTransfer.objects.filter(**state).order_by("-pk").values_list("pk", flat=True)

    def _any(self, pks: Any) -> UUID | None:
        found = list(pks[:30])
        return self.dice.choice(found) if found else None
