"""Creditors collect by direct debit, repeat messages and end mandates. Users cancel mandates and request refunds."""

import random
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from banking import direct_debits, ledger, second_bank
from banking.direct_debits.refusals import AlreadyRefunded, MandateNotActive
from banking.ledger.refusals import Refusal
from banking.models import DirectDebitRefund, Mandate, SchemeMessage
from banking.payments.messages import DifferentMessage
from tests.simulation.desk import Collection, Desk


@dataclass
class Creditors:
    ibans: list[str]
    dice: random.Random
    desk: Desk
    references: list[tuple[str, str]] = field(default_factory=list)

    def act(self) -> None:
        acts = [self.collect, self.collect_again, self.end_a_mandate, self.refund, self.claim]
        try:
            self.dice.choices(acts, [8, 4, 1, 4, 2])[0]()
        except Refusal as refusal:  # the mandate had ended, officers gave the money back, or it was refunded
            self.desk.told[refusal.code] += 1

    def collect(self) -> None:
        """Collects with an existing mandate or a new one."""
        if not self.references or self.dice.random() < 0.3:
            self.references.append((self.dice.choice(self.ibans), f"M-{self.dice.getrandbits(64):016x}"))
        iban, reference = self.dice.choice(self.references[-12:])
        # Sometimes more than the account has, and sometimes an amount that the second bank does not refund.
        amount_minor = self.dice.choice([self.dice.randint(1, 400), self.dice.randint(1, 400), 9602, 40_000])
        message_id = f"collect-{self.dice.getrandbits(64):016x}"
        self.desk.collections[message_id] = Collection(iban, reference, amount_minor)
        self._collect(message_id)

    def collect_again(self) -> None:
        """Sends the same message again, or another one with the same id, which must be refused."""
        if not self.desk.collections:
            return
        message_id = self.dice.choice(list(self.desk.collections)[-20:])
        asked = self.desk.collections[message_id]
        if self.dice.random() < 0.7 or asked.received is None:
            self._collect(message_id)
            return
        try:
            second_bank.collect(
                asked.iban, asked.amount_minor + 1, "GBP", reference=asked.reference, message_id=message_id
            )
            self.desk.violations.append(f"{message_id} was received with another amount")
        except DifferentMessage:
            pass

    def end_a_mandate(self) -> None:
        """The creditor ends a mandate, or its user cancels it as on the page of the web bank."""
        if (pk := self._any(Mandate.objects.filter(status="active"))) is None:
            return
        mandate = Mandate.objects.get(pk=pk)
        if self.dice.random() < 0.5:
            direct_debits.receive_cancellation(mandate.creditor_id, mandate.reference)
        else:
            try:
                ledger.in_transaction(lambda: direct_debits.cancel(pk, among=Mandate.objects.all()))
            except MandateNotActive:
                return
        self.desk.ended.setdefault(pk, timezone.now())

    def refund(self) -> None:
        """Requests the refund of a collection, whether it was refunded before or not."""
        if (pk := self._any(SchemeMessage.objects.filter(kind="collect", status="done"))) is None:
            return
        reason = self.dice.choice(list(DirectDebitRefund.Reason))
        user_id = SchemeMessage.objects.values_list("account__holder_id", flat=True).get(pk=pk)
        self.desk.refund_asked.add(pk)
        try:
            made = ledger.in_transaction(
                lambda: direct_debits.ask_for_refund(
                    pk,
                    reason,
                    among=SchemeMessage.objects.all(),
                    user_id=user_id,
                    client_id="web bank",
                    is_proven=True,
                )
            )
        except AlreadyRefunded:
            if not DirectDebitRefund.objects.filter(collection=pk).exists():
                self.desk.violations.append(f"{pk} was said to be refunded, and is not")
            raise
        if self.desk.refunded.setdefault(pk, made.pk) != made.pk:
            self.desk.violations.append(f"{pk} was refunded twice")

    def claim(self) -> None:
        if (pk := self._any(DirectDebitRefund.objects.all())) is not None:
            direct_debits.claim_refund(pk)

    def _collect(self, message_id: str) -> None:
        asked = self.desk.collections[message_id]
        received = second_bank.collect(
            asked.iban, asked.amount_minor, "GBP", reference=asked.reference, message_id=message_id
        )
        answer = (received.pk, received.status)
        if asked.received is None:
            asked.received = answer
        elif asked.received != answer:
            self.desk.violations.append(f"{message_id} was answered with {asked.received} and with {answer}")

    def _any(self, rows: QuerySet[Any]) -> UUID | None:
        found = list(rows.order_by("-pk").values_list("pk", flat=True)[:30])
        return self.dice.choice(found) if found else None
