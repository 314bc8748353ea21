"""A payment order: a user's order to pay, from an app, a page, or a standing order. `prepare` makes one from an
instruction.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from banking.models import Account, ScheduledTransfer
from banking.payments.decision import find_route
from banking.payments.instruction import Instruction, Payer


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """`destination` is an account of this bank, None if the money goes to another bank. `payee_iban` is empty between
    the user's own accounts."""

    user_id: UUID
    client_id: str
    key: str
    source: Account
    amount_minor: int
    currency: str
    reference: str
    destination: Account | None = None
    payee_name: str = ""
    payee_iban: str = ""
    end_to_end_id: str = ""
    scheduled: ScheduledTransfer | None = None
    due_on: date | None = None
    #: Whether the user has just logged in (RFC 9470). For a standing order, they did so when it was set up.
    is_proven: bool = False
    #: The digest of the request, which distinguishes a late retry from another request with the same idempotency key.
    fingerprint: bytes | None = None

    @classmethod
    def due(cls, scheduled: ScheduledTransfer, day: date) -> "PaymentOrder":
        """The order for one day of a ScheduledTransfer."""
        return cls(
            user_id=scheduled.user_id,
            client_id=scheduled.client_id,
            # No app can have used this key, because an Idempotency-Key cannot contain spaces.
            key=f"scheduled {scheduled.pk} {day}",
            source=scheduled.source,
            destination=scheduled.destination,
            payee_name=scheduled.payee_name,
            payee_iban=scheduled.payee_iban,
            amount_minor=scheduled.amount_minor,
            currency=scheduled.currency,
            reference=scheduled.reference,
            scheduled=scheduled,
            due_on=day,
        )

    @property
    def instruction(self) -> Instruction:
        to = {"scheme": "iban", "identifier": self.payee_iban, "name": self.payee_name}
        own = {"account_id": self.destination.pk if self.destination else None}
        return Instruction(
            key=self.key,
            fingerprint=self.fingerprint,
            source_id=self.source.pk,
            destination=to if self.payee_iban else own,
            amount_minor=self.amount_minor,
            currency=self.currency,
            reference=self.reference,
            end_to_end_id=self.end_to_end_id,
        )

    @property
    def payer(self) -> Payer:
        """The user who ordered it. Without authorization details, they may pay from any of their accounts."""
        return Payer(user_id=self.user_id, client_id=self.client_id, is_proven=self.is_proven)

    def as_scheduled(self) -> dict[str, Any]:
        """The values for the fields that a Transfer and a ScheduledTransfer have in common."""
        return {
            "user_id": self.user_id,
            "client_id": self.client_id,
            "idempotency_key": self.key,
            "fingerprint": self.fingerprint,
            "source": self.source,
            "destination": self.destination,
            "payee_name": self.payee_name,
            "payee_iban": self.payee_iban,
            "currency": self.currency,
            "amount_minor": self.amount_minor,
            "reference": self.reference,
        }

    def as_transfer(self) -> dict[str, Any]:
        """The values for the fields of a Transfer."""
        return {
            **self.as_scheduled(),
            "end_to_end_id": self.end_to_end_id,
            "scheduled": self.scheduled,
            "due_on": self.due_on,
        }


def prepare(instruction: Instruction, payer: Payer, *, is_charged: bool = True) -> PaymentOrder:
    """The order, after every check that needs no lock on an account. Runs in the caller's transaction. `is_charged` is
    as in `find_route`. Raises NotTheirs if the user may not pay from the source, LimitReached, or a Refusal.
    """
    route = find_route(instruction, payer, is_charged=is_charged)
    accounts = Account.objects.in_bulk([pk for pk in (instruction.source_id, route.destination_id) if pk])
    return PaymentOrder(
        user_id=payer.user_id,
        client_id=payer.client_id,
        key=instruction.key,
        source=accounts[instruction.source_id],
        destination=accounts[route.destination_id] if route.destination_id else None,
        payee_name=route.payee_name,
        payee_iban=route.payee_iban,
        amount_minor=instruction.amount_minor,
        currency=instruction.currency,
        reference=instruction.reference,
        end_to_end_id=instruction.end_to_end_id,
        # A consent to exactly this transfer does not count as proof, because a click on a consent page does not show
        # who clicked.
        is_proven=payer.is_proven,
        fingerprint=instruction.fingerprint,
    )
