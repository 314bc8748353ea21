"""Calls the database functions that decide about a payment: `prepare_payment` and `post_transfer` of
migrations/payment.sql.

Their arguments are all the facts that are known before the call: the request, the accounts that the client may access,
the clock and the limits. Each rule is enforced only in these functions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError
from uuid_utils.compat import uuid7

from banking.consents.refusals import ConsentDiffers, ConsentUsed
from banking.consents.single_transfer import fitting_consents
from banking.ledger.refusals import AmountOutOfRange, CurrencyMismatch, Refusal, SameAccount, from_constraint
from banking.models.account_queryset import picked_in
from banking.models.ledger import MAX_AMOUNT_MINOR
from banking.notation import bank_day, iban
from banking.payments import new_payee_limit, own_limit, payee_lookups, scheme, strong_proof
from banking.payments.day_sum import day_ago, id_at
from banking.payments.destination import Destination, resolve
from banking.payments.instruction import Instruction, Payer
from banking.payments.refusals import (
    AccountDormant,
    AccountHolderInactive,
    DuplicateTransfer,
    NotTheirs,
    PayeeUnreachable,
    StrongProofNeeded,
)
from oauth.infrastructure import clock
from oauth.infrastructure.rows import rows

#: A transfer that is never handed over expires after this time, and its money is released.
LONGEST_PENDING = timedelta(days=5)
#: For this time, a payer's end-to-end id can be used only once.
SAME_REFERENCE_WITHIN = timedelta(seconds=60)

_ROUTE = {
    "payer": "uuid", "paid_from": "uuid", "paid_to": "uuid", "to_iban": "text", "is_payee_known": "bool",
    "is_iban_valid": "bool", "is_iban_ours": "bool", "amount": "bigint", "in_currency": "text", "has_scheme": "bool",
    "picked": "uuid[]", "picked_by": "uuid[]", "single": "uuid[]",
}  # fmt: skip
_TRANSFER = _ROUTE | {
    "app": "text", "deed": "text", "once_key": "text", "print": "bytea", "new_transfer": "uuid", "new_posting": "uuid",
    "new_hold": "uuid", "to_name": "text", "remark": "text", "own_reference": "text", "standing": "uuid", "due": "date",
    "is_proven": "bool", "at": "timestamptz", "bank_day": "date", "day_ago": "uuid", "minute_ago": "uuid",
    "held_until": "timestamptz", "step_up": "bigint", "new_payees_most": "bigint", "known_since": "timestamptz",
}  # fmt: skip


def _call(function: str, arguments: Mapping[str, str]) -> str:
    given = ", ".join(f"{name} => %s::{kind}" for name, kind in arguments.items())
    return f"{function}({given})"


_PREPARE = (
    "SELECT refusal, about, destination, payee, by_consent, is_looked_up"  # noqa: S608 (constants of this module)
    f" FROM {_call('prepare_payment', _ROUTE)}"
)
#: The call of post_transfer in a FROM, and the columns that a Decision needs.
POST = _call("post_transfer", _TRANSFER)
#: The same, called only for a row of `live`: PostgreSQL must join in this order, because an argument refers to that
#: row.
POST_IF_LIVE = POST.replace("is_proven => ", "is_proven => live.is_live AND ")
DECIDED = (
    "outcome, about, earlier, stored_print, stored_status, stored_body, destination, destination_iban, payee,"
    " by_consent, is_looked_up, is_notified, own_limit, paid_to_others, violated, deliveries"
)

#: The refusals that have only a code and a field.
_REFUSALS: dict[str, type[Refusal]] = {
    refusal.code: refusal
    for refusal in (
        AccountDormant, AccountHolderInactive, AmountOutOfRange, ConsentDiffers, ConsentUsed, CurrencyMismatch,
        PayeeUnreachable, SameAccount,
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Route:
    """`destination_id` is an account of this bank; None if the money goes to another bank. `payee_iban` is empty if the
    payment is between the user's own accounts.
    """

    destination_id: UUID | None
    payee_iban: str
    payee_name: str
    consent_id: UUID | None


@dataclass(frozen=True, slots=True)
class Decision:
    """The row that post_transfer returned, and the ids and the time that were its arguments."""

    transfer_id: UUID
    posting_id: UUID
    hold_id: UUID
    payee_name: str
    at: datetime
    deliveries: tuple[UUID, ...]
    outcome: str
    about: str | None
    earlier: UUID | None
    stored_print: bytes | None
    stored_status: int | None
    stored_body: Any
    destination_id: UUID | None
    destination_iban: str | None
    payee_iban: str
    consent_id: UUID | None
    is_looked_up: bool
    is_notified: bool
    own_limit_minor: int | None
    paid_to_others_minor: int | None
    violated: str | None


def find_route(instruction: Instruction, payer: Payer, *, is_charged: bool) -> Route:
    """The destination of the money, after every check that is possible before money moves.

    `is_charged` says whether an answer about the destination's account counts against the user's payee lookups; False
    if the user has already seen the answer. Raises NotTheirs if the user may not pay from the source, LimitReached, or
    a Refusal.
    """
    destination = resolve(instruction.destination, payer.user_id)
    arguments = _route(instruction, payer, destination)
    [found] = rows(_PREPARE, [arguments[name] for name in _ROUTE])
    refusal, about, destination_id, payee_iban, consent_id, is_looked_up = found
    if is_looked_up and is_charged:
        payee_lookups.spend(payer.user_id, paid_iban=arguments["to_iban"])
    if refusal is not None:
        raise _refusal(refusal, about)
    assert destination is not None
    return Route(destination_id, payee_iban, destination.name, consent_id)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of post_transfer: its arguments in the order of `POST`, and the ones that the caller needs by name."""

    arguments: list[Any]
    transfer_id: UUID
    posting_id: UUID
    hold_id: UUID
    payee_name: str
    to_iban: str
    is_iban_ours: bool
    at: datetime

    def decided(self, row: Sequence[Any]) -> Decision:
        """`row` has the columns of `DECIDED`."""
        *values, deliveries = row
        told = tuple(map(UUID, deliveries or ()))
        return Decision(self.transfer_id, self.posting_id, self.hold_id, self.payee_name, self.at, told, *values)


def call_for(
    instruction: Instruction,
    payer: Payer,
    *,
    deed: str | None = None,
    standing: UUID | None = None,
    due_on: date | None = None,
) -> Call:
    """Prepares the call. `deed` is the operation of the idempotency key; with it, the transfer is made once per key."""
    destination = resolve(instruction.destination, payer.user_id)
    # Another host compares these times, and finds the transfers of the last minute and of the last day by their ids.
    name, now = destination.name if destination else "", clock.now()
    transfer_id, posting_id, hold_id = id_at(now), uuid7(), uuid7()
    currency = instruction.currency
    arguments = {
        **_route(instruction, payer, destination),
        "new_transfer": transfer_id,
        "new_posting": posting_id,
        "new_hold": hold_id,
        "app": payer.client_id,
        "deed": deed,
        "once_key": instruction.key,
        "print": instruction.fingerprint,
        "to_name": name,
        "remark": instruction.reference,
        "own_reference": instruction.end_to_end_id,
        "standing": standing,
        "due": due_on,
        "is_proven": payer.is_proven,
        "at": now,
        "bank_day": bank_day.day_of(now),
        "day_ago": day_ago(now),
        "minute_ago": id_at(now - SAME_REFERENCE_WITHIN),
        "held_until": now + LONGEST_PENDING,
        "step_up": strong_proof.limit_of(currency),
        "new_payees_most": new_payee_limit.limit_of(currency),
        "known_since": now - settings.NEW_PAYEE_PERIOD,
    }
    to_iban, is_ours = arguments["to_iban"], arguments["is_iban_ours"]
    ordered = [arguments[name] for name in _TRANSFER]
    return Call(ordered, transfer_id, posting_id, hold_id, name, to_iban, is_ours, now)


def post_transfer(
    instruction: Instruction,
    payer: Payer,
    *,
    deed: str | None = None,
    is_charged: bool,
    standing: UUID | None = None,
    due_on: date | None = None,
) -> Decision:
    """Makes the transfer in the caller's transaction. `deed` is the operation of the idempotency key; with it, the
    transfer is made once per key. Raises what `find_route` raises, StrongProofNeeded, or a Refusal.
    """
    call = call_for(instruction, payer, deed=deed, standing=standing, due_on=due_on)
    [found] = rows(f"SELECT {DECIDED} FROM {POST}", call.arguments)  # noqa: S608 (constants of this module)
    decision = call.decided(found)
    if decision.is_looked_up and is_charged:
        payee_lookups.spend(payer.user_id, paid_iban=call.to_iban, besides=decision.transfer_id)
    return decision


def raise_refusal(decision: Decision, currency: str) -> None:
    """Raises the refusal, if the decision is one. Raises IntegrityError for a constraint that only a bug can
    violate."""
    match decision.outcome:
        case "made" | "known" | "waiting" | "made_before":
            return
        case "proof_needed":
            raise StrongProofNeeded
        case "own_limit_exceeded":
            assert decision.own_limit_minor is not None
            assert decision.paid_to_others_minor is not None
            raise own_limit.exceeded(currency, decision.own_limit_minor, int(decision.paid_to_others_minor))
        case "limit_exceeded":
            raise new_payee_limit.exceeded(currency)
        case "duplicate_transfer":
            raise DuplicateTransfer(field=decision.about, duplicate_of=str(decision.earlier))
        case "refused_by_constraint":
            raise from_constraint(decision.violated) or IntegrityError(f"violates {decision.violated}")
    raise _refusal(decision.outcome, decision.about)


def _refusal(code: str, about: str | None) -> Exception:
    return NotTheirs() if code == "not_theirs" else _REFUSALS[code](field=about)


def _single(instruction: Instruction, payer: Payer, destination: Destination) -> list[UUID] | None:
    return fitting_consents(
        payer.details,
        debtor_account=instruction.source_id,
        creditor=destination.as_creditor(),
        amount={"currency": instruction.currency, "minor_units": instruction.amount_minor},
        reference=instruction.reference,
    )


def _route(instruction: Instruction, payer: Payer, destination: Destination | None) -> dict[str, Any]:
    """The arguments of prepare_payment. `destination` is None for a payee that the user has not stored."""
    identifier = destination.iban if destination else ""
    picked = picked_in(payer.details, "payments")
    return {
        "payer": payer.user_id,
        "paid_from": instruction.source_id,
        "paid_to": destination.account_id if destination else None,
        "to_iban": identifier,
        "is_payee_known": destination is not None,
        "is_iban_valid": bool(identifier) and iban.is_valid(identifier),
        "is_iban_ours": iban.is_ours(identifier),
        # Limited, so that a number beyond PostgreSQL's bigint is refused as out of range, too.
        "amount": max(-1, min(instruction.amount_minor, MAX_AMOUNT_MINOR + 1)),
        "in_currency": instruction.currency,
        "has_scheme": scheme.pays(instruction.currency),
        "picked": picked.accounts if picked else None,
        "picked_by": picked.consents if picked else None,
        "single": destination and _single(instruction, payer, destination),
    }
