"""A payment order: what a user orders the bank to pay, through an app, on a page, or by a standing order."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from banking.ledger.refusals import AmountOutOfRange, CurrencyMismatch, SameAccount
from banking.models import Account, Consent, ScheduledTransfer
from banking.models.ledger import MAX_AMOUNT_MINOR
from banking.payments import scheme
from banking.payments.refusals import PayeeUnreachable


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
    consent: Consent | None = None
    scheduled: ScheduledTransfer | None = None
    due_on: date | None = None
    #: Whether the user has just logged in (RFC 9470). A standing order was proven when it was set up.
    is_proven: bool = False
    #: Of the request. It distinguishes a late retry from another request with the same idempotency key.
    fingerprint: bytes | None = None

    @classmethod
    def due(cls, scheduled: ScheduledTransfer, day: date) -> "PaymentOrder":
        """The order for one day of a ScheduledTransfer."""
        return cls(
            user_id=scheduled.user_id,
            client_id=scheduled.client_id,
            # With spaces, which an Idempotency-Key cannot contain: no app can take the key first.
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

    def as_scheduled(self) -> dict[str, Any]:
        """The values of the fields that a Transfer and a ScheduledTransfer share."""
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
        """The values of a Transfer's fields."""
        return {
            **self.as_scheduled(),
            "end_to_end_id": self.end_to_end_id,
            "consent": self.consent,
            "scheduled": self.scheduled,
            "due_on": self.due_on,
        }


def check_order(order: PaymentOrder) -> None:
    """Every check that is possible before money is touched. Raises a Refusal."""
    if not 0 < order.amount_minor <= MAX_AMOUNT_MINOR:
        raise AmountOutOfRange(field="amount")
    if order.destination is None and not (order.payee_iban and scheme.configured_scheme()):
        raise PayeeUnreachable(field="destination")
    if order.destination and order.source.pk == order.destination.pk:
        raise SameAccount(field="destination")
    currencies = {order.source.currency, order.currency, (order.destination or order.source).currency}
    if len(currencies) > 1:
        raise CurrencyMismatch(field="currency")
