"""Making and cancelling transfers. Every change holds the lock of the source account, and is in the same transaction as
the movement of money.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import QuerySet

from banking import ledger, notices, webhooks
from banking.database import jobs
from banking.models import Event, Hold, ScheduledTransfer, Transfer
from banking.payments import at_once
from banking.payments.at_once import Live
from banking.payments.decision import Decision, post_transfer, raise_refusal
from banking.payments.idempotency import AskedBefore
from banking.payments.instruction import Instruction, Payer
from banking.payments.order import PaymentOrder
from banking.payments.refusals import NotCancellable, NotTheirs
from oauth.fast_path.model_rows import new_instance

#: The background task that hands a transfer to the payment scheme. Its name is stored with waiting jobs.
SETTLE = "banking.settle_transfer"


@dataclass(frozen=True, slots=True)
class Paid:
    """A transfer that was just made. `destination_iban` is None if the money goes to another bank."""

    transfer: Transfer
    destination_iban: str | None


def pay(instruction: Instruction, payer: Payer, *, once_for: str | None = None, is_charged: bool = True) -> Paid:
    """Makes the transfer in the caller's transaction: posted, or pending with its money held.

    With `once_for`, the name of an operation, the transfer is made once per idempotency key; a repetition raises
    AskedBefore, which `run_claiming` handles. `is_charged` is as in `find_route`. Raises NotTheirs, LimitReached,
    StrongProofNeeded if the sum of the day needs a user who has just logged in, or a Refusal.
    """
    return _make(instruction, payer, once_for=once_for, is_charged=is_charged)


def pay_at_once(instruction: Instruction, payer: Payer, *, once_for: str, live: Live) -> Paid | None:
    """Like `pay`, in its own transaction, if the query `live` has a row. None if nothing was written and the caller
    must use `pay`; see banking/payments/at_once.py.
    """
    made = at_once.try_fast(instruction, payer, deed=once_for, live=live)
    return None if made is None else Paid(_made(made, instruction, payer), made.destination_iban)


def make(order: PaymentOrder) -> Transfer:
    """Like `pay`, for an order that is due, or whose payee check the user has seen."""
    return _make(order.instruction, order.payer, order.scheduled, order.due_on, is_charged=False).transfer


def _make(
    instruction: Instruction,
    payer: Payer,
    scheduled: ScheduledTransfer | None = None,
    due_on: date | None = None,
    *,
    once_for: str | None = None,
    is_charged: bool,
) -> Paid:
    made = post_transfer(
        instruction,
        payer,
        deed=once_for,
        is_charged=is_charged,
        standing=scheduled.pk if scheduled else None,
        due_on=due_on,
    )
    if made.outcome in ("known", "waiting", "made_before"):
        raise AskedBefore(made.outcome, made.stored_print, made.stored_status, made.stored_body)
    raise_refusal(made, instruction.currency)
    transfer = _made(made, instruction, payer, scheduled, due_on)
    if made.destination_id is None:
        # The job is a row of this transaction, so the transfer is handed over if and only if it was committed.
        jobs.defer(SETTLE, transfer_id=str(transfer.pk))
    if made.is_notified:
        notices.enqueue_notice(notices.Kind.LARGE_PAYMENT, transfer.pk)
    for delivery_id in made.deliveries:
        webhooks.enqueue(delivery_id)
    return Paid(transfer, made.destination_iban)


def _made(
    made: Decision,
    instruction: Instruction,
    payer: Payer,
    scheduled: ScheduledTransfer | None = None,
    due_on: date | None = None,
) -> Transfer:
    """The transfer as the database has stored it."""
    is_posted = made.destination_id is not None
    values = {
        "id": made.transfer_id,
        "user_id": payer.user_id,
        "client_id": payer.client_id,
        "idempotency_key": instruction.key,
        "fingerprint": instruction.fingerprint,
        "source_id": instruction.source_id,
        "destination_id": made.destination_id,
        "payee_name": made.payee_name,
        "payee_iban": made.payee_iban,
        "currency": instruction.currency,
        "amount_minor": instruction.amount_minor,
        "reference": instruction.reference,
        "end_to_end_id": instruction.end_to_end_id,
        "status": Transfer.Status.POSTED if is_posted else Transfer.Status.PENDING,
        "status_reason": "",
        "reason_code": "",
        "created_at": made.at,
        "updated_at": None,
        "submitted_at": None,
        "settled_at": made.at if is_posted else None,
        "transaction_id": made.posting_id if is_posted else None,
        "hold_id": None if is_posted else made.hold_id,
        "consent_id": made.consent_id,
        "scheduled_id": scheduled.pk if scheduled else None,
        "due_on": due_on,
    }
    transfer = new_instance(Transfer, values.items())
    transfer._state.adding = False
    return transfer


def reject(order: PaymentOrder, reason: str) -> Transfer:
    """Stores the transfer of a payment order that was due and could not be made, and announces it. `reason` is the code
    of a Refusal, or `missed`."""
    transfer = Transfer.objects.create(**order.as_transfer(), status=Transfer.Status.REJECTED, status_reason=reason)
    announce(transfer)
    return transfer


def cancel(transfer_id: UUID, *, among: QuerySet[Transfer] | None = None) -> Transfer:
    """Cancels a transfer in the caller's transaction. Raises NotCancellable, or NotTheirs if it is not in `among`, the
    transfers that the user may cancel.
    """
    if among is not None and not among.filter(pk=transfer_id).exists():
        raise NotTheirs
    transfer = lock_transfer(transfer_id)
    if transfer.status != Transfer.Status.PENDING or transfer.submitted_at:
        raise NotCancellable
    return end(transfer, Transfer.Status.CANCELLED)


def lock_transfer(transfer_id: UUID) -> Transfer:
    """Locks the account first, then the transfer. All code uses this order, so there are no deadlocks."""
    ledger.lock(Transfer.objects.filter(pk=transfer_id).values_list("source_id", flat=True))
    transfers = Transfer.objects.select_for_update(no_key=True, of=("self",)).select_related("hold", "source", "user")
    return transfers.get(pk=transfer_id)


def end(transfer: Transfer, status: Transfer.Status, reason: str = "") -> Transfer:
    """Ends a pending transfer without a payment, and releases its money."""
    if transfer.hold:
        hold_status = Hold.Status.EXPIRED if status == Transfer.Status.EXPIRED else Hold.Status.RELEASED
        ledger.release(transfer.hold, status=hold_status)
    transfer.status, transfer.status_reason = status, reason
    transfer.save(update_fields=["status", "status_reason", "reason_code"])
    announce(transfer)
    return transfer


def announce(transfer: Transfer) -> None:
    """Writes the events of a change to the transfer, for the webhooks of apps."""
    happened = [(Event.TRANSFER_UPDATED, transfer.source_id, transfer.pk)]
    if transfer.transaction_id:
        sides = filter(None, (transfer.source_id, transfer.destination_id))
        happened += [(Event.TRANSACTION_BOOKED, account_id, transfer.transaction_id) for account_id in sides]
    webhooks.announce(happened)
