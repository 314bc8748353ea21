"""Turns a payment request into a payment order that can be carried out. The API and the web bank both use this."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from banking.consents.single_transfer import consent_to
from banking.models.account_queryset import AccountQuerySet
from banking.payments.destination import resolve
from banking.payments.order import PaymentOrder, check_order
from banking.payments.refusals import AccountHolderInactive, NotTheirs
from banking.payments.route import find_route


@dataclass(frozen=True, slots=True)
class Instruction:
    """What a request asks to pay; only its form was checked. `fingerprint` distinguishes it from another request with
    the same idempotency key."""

    key: str
    fingerprint: bytes
    source_id: UUID
    destination: Mapping[str, Any]
    amount_minor: int
    currency: str
    reference: str
    end_to_end_id: str = ""

    @classmethod
    def from_body(cls, body: Mapping[str, Any], *, key: str, fingerprint: bytes) -> "Instruction":
        return cls(
            key=key,
            fingerprint=fingerprint,
            source_id=UUID(str(body["source_account_id"])),
            destination=body["destination"],
            amount_minor=body["amount"]["minor_units"],
            currency=body["amount"]["currency"],
            reference=body["reference"],
            end_to_end_id=body.get("end_to_end_id", ""),
        )


@dataclass(frozen=True, slots=True)
class Payer:
    """The user who pays, and the client that acts for them.

    `accounts` are those of the user that the client may see, and `details` its authorization details (RFC 9396); the
    web bank has none. `is_proven` says whether the user has just logged in (RFC 9470).
    """

    user_id: UUID
    client_id: str
    accounts: AccountQuerySet
    is_proven: bool
    details: Sequence[Mapping[str, Any]] = ()


def prepare(instruction: Instruction, payer: Payer, *, is_charged: bool = True) -> PaymentOrder:
    """The order, after every check that is possible before money is touched. In the caller's transaction.

    `is_charged` is False if the user has already seen an answer about the destination's account. Raises NotTheirs if
    they may not pay from the source, LimitReached, or a Refusal.
    """
    destination = resolve(instruction.destination, payer.user_id)
    consent = consent_to(
        payer.details,
        debtor_account=instruction.source_id,
        creditor=destination.as_creditor(),
        amount={"currency": instruction.currency, "minor_units": instruction.amount_minor},
        reference=instruction.reference,
    )
    route = find_route(
        payer.accounts, instruction.source_id, destination, charged_to=payer.user_id if is_charged else None
    )
    source = route.source
    if source is None:
        raise NotTheirs
    # A valid token is not enough to move money: the user must still be active.
    if not source.is_user_active:
        raise AccountHolderInactive
    order = PaymentOrder(
        user_id=payer.user_id,
        client_id=payer.client_id,
        key=instruction.key,
        source=source,
        destination=route.destination,
        payee_name=destination.name,
        payee_iban=route.payee_iban,
        amount_minor=instruction.amount_minor,
        currency=instruction.currency,
        reference=instruction.reference,
        end_to_end_id=instruction.end_to_end_id,
        consent=consent,
        # A consent to this very transfer does not count: a click on a consent page is no proof of who clicked.
        is_proven=payer.is_proven,
        fingerprint=instruction.fingerprint,
    )
    check_order(order)
    return order
