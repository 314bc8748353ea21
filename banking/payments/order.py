"""A payment order: what a user told the bank to pay, by an app, on a page, or by an order for a later day."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from banking.ledger.refusals import AmountOutOfRange, CurrencyMismatch, PayeeUnreachable, SameAccount
from banking.models import Account, Consent, ScheduledTransfer
from banking.models.ledger import MAX_AMOUNT_MINOR
from banking.payments import scheme


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody ordered: to an account of this bank (`destination`) or to one elsewhere. `payee_iban` is empty
    between a person's own accounts."""

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
    #: Whether the user has just logged in (RFC 9470). What an order makes was proven when it was ordered.
    is_proven: bool = False
    #: Of the request that ordered it: a late retry is told from another order under the same key.
    fingerprint: bytes | None = None

    def as_transfer(self) -> dict[str, Any]:
        """The fields that a Transfer takes over."""
        return {
            "user_id": self.user_id,
            "client_id": self.client_id,
            "idempotency_key": self.key,
            "source": self.source,
            "destination": self.destination,
            "payee_name": self.payee_name,
            "payee_iban": self.payee_iban,
            "currency": self.currency,
            "amount_minor": self.amount_minor,
            "reference": self.reference,
            "end_to_end_id": self.end_to_end_id,
            "consent": self.consent,
            "scheduled": self.scheduled,
            "due_on": self.due_on,
            "fingerprint": self.fingerprint,
        }


def check(order: Order) -> None:
    """What can be said before any money is touched. Raises a LedgerRefusal."""
    if not 0 < order.amount_minor <= MAX_AMOUNT_MINOR:
        raise AmountOutOfRange(pointer="/amount/minor_units")
    if order.destination is None and not (order.payee_iban and scheme.of_site()):
        raise PayeeUnreachable(pointer="/destination")
    if order.destination and order.source.pk == order.destination.pk:
        raise SameAccount(pointer="/destination")
    currencies = {order.source.currency, order.currency, (order.destination or order.source).currency}
    if len(currencies) > 1:
        raise CurrencyMismatch(pointer="/amount/currency")
