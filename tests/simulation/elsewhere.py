"""The second bank: it sends payments, some of them twice or to unknown accounts, and its other messages."""

import random
from dataclasses import dataclass, field

from banking import second_bank
from banking.payments.messages import DifferentMessage
from tests.simulation.desk import Desk
from tests.simulation.people import ELSEWHERE


@dataclass
class Elsewhere:
    ibans: list[str]
    dice: random.Random
    desk: Desk
    told: list[str] = field(default_factory=list)

    def act(self) -> None:
        self.dice.choices([self.pay_in, self.pay_in_again, self.tell], [3, 2, 4])[0]()

    def pay_in(self) -> None:
        iban = self.dice.choice([*self.ibans, *ELSEWHERE])
        amount_minor = self.dice.choice([self.dice.randint(1, 400), self.dice.randint(1, 400), 9601])
        message_id = f"in-{self.dice.getrandbits(64):016x}"
        self.desk.paid_in[message_id] = (iban, amount_minor)
        self.told.append(message_id)
        self._pay(message_id)

    def pay_in_again(self) -> None:
        """Sends the same message again, or another one with the same id, which must be refused."""
        if not self.told:
            return
        message_id = self.dice.choice(self.told[-20:])
        if self.dice.random() < 0.7:
            self._pay(message_id)
            return
        iban, amount_minor = self.desk.paid_in[message_id]
        try:
            if message_id in self.desk.received:  # otherwise, the message may never have arrived
                second_bank.pay_in(iban, amount_minor + 1, "GBP", message_id=message_id)
                self.desk.violations.append(f"{message_id} was received with another amount")
        except DifferentMessage:
            pass

    def _pay(self, message_id: str) -> None:
        iban, amount_minor = self.desk.paid_in[message_id]
        received = second_bank.pay_in(iban, amount_minor, "GBP", message_id=message_id).pk
        if self.desk.received.setdefault(message_id, received) != received:
            self.desk.violations.append(f"{message_id} was received twice")

    @staticmethod
    def tell() -> None:
        second_bank.deliver_due()
