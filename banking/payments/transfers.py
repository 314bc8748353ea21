"""Making and cancelling transfers. Every change happens under the lock of the source account, in one transaction with
the money."""

from datetime import timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from banking import ledger, notices, webhooks
from banking.database import jobs
from banking.models import Event, Hold, Transfer
from banking.payments import strong_proof
from banking.payments.day_sum import day_sum
from banking.payments.duplicates import refuse_duplicate
from banking.payments.new_payee_limit import enforce_limit
from banking.payments.order import PaymentOrder, check_order
from banking.payments.own_limit import enforce_own_limit
from banking.payments.payer_lock import lock_payer
from banking.payments.refusals import NotCancellable, NotTheirs

#: The background task that hands a transfer to the payment scheme. Its name is stored with jobs that wait.
SETTLE = "banking.settle_transfer"
#: A transfer that is never handed over expires after this time, and its money is released.
LONGEST_PENDING = timedelta(days=5)


def make(order: PaymentOrder) -> Transfer:
    """Makes the transfer in the caller's transaction: posted, or pending with its money held. Raises a Refusal, or
    StrongProofNeeded if the sum of the day needs a user who has just logged in."""
    check_order(order)
    now = timezone.now()
    transfer = Transfer(**order.as_transfer(), created_at=now)
    # A payment that the user allowed by payee and amount is one that they have looked at.
    is_to_somebody = bool(order.payee_iban) and order.consent is None
    is_ordered_now = order.scheduled is None
    is_notified = False
    if order.payee_iban or is_ordered_now:
        lock_payer(order.user_id)
        day = day_sum(order.user_id, order.currency, with_orders=is_ordered_now)
        if order.payee_iban:
            enforce_own_limit(day, order.amount_minor, order.currency)
        if is_ordered_now:
            is_notified = strong_proof.require_proof(day, order.currency, order.amount_minor, is_proven=order.is_proven)
    if is_to_somebody or order.end_to_end_id:
        # Both accounts, in the one lock order. With the source alone, two users who pay each other would deadlock in
        # `post`.
        ledger.lock({account.pk for account in (order.source, order.destination) if account})
    if order.end_to_end_id:
        refuse_duplicate(order.source.pk, order.end_to_end_id)
    if is_to_somebody:
        enforce_limit(order.user_id, order.payee_iban, order.amount_minor, order.currency)
    if order.destination:
        entries = [(order.source, -order.amount_minor), (order.destination, order.amount_minor)]
        transfer.transaction = ledger.post(entries, description=order.reference, kind="transfer", created_at=now)
        transfer.status, transfer.settled_at = Transfer.Status.POSTED, now
    else:
        transfer.hold = ledger.hold(order.source, order.amount_minor, until=now + LONGEST_PENDING)
        transfer.status = Transfer.Status.PENDING
    transfer.save(force_insert=True)
    if transfer.status == Transfer.Status.PENDING:
        # A row of this transaction: the transfer is handed over if and only if it exists.
        jobs.defer(SETTLE, transfer_id=str(transfer.pk))
    if is_notified:
        notices.enqueue_notice(notices.Kind.LARGE_PAYMENT, transfer.pk)
    announce(transfer)
    return transfer


def reject(order: PaymentOrder, reason: str) -> Transfer:
    """Stores the transfer of a payment order that was due and could not be made, and announces it. `reason` is the code
    of a Refusal, or `missed`."""
    transfer = Transfer.objects.create(**order.as_transfer(), status=Transfer.Status.REJECTED, status_reason=reason)
    announce(transfer)
    return transfer


def cancel(transfer_id: UUID, *, among: QuerySet[Transfer] | None = None) -> Transfer:
    """Cancels a transfer in the caller's transaction. Raises NotCancellable, or NotTheirs if it is not `among` those
    that the user may cancel."""
    if among is not None and not among.filter(pk=transfer_id).exists():
        raise NotTheirs
    transfer = lock_transfer(transfer_id)
    if transfer.status != Transfer.Status.PENDING or transfer.submitted_at:
        raise NotCancellable
    return end(transfer, Transfer.Status.CANCELLED)


def lock_transfer(transfer_id: UUID) -> Transfer:
    """Locks the account first, then the transfer: the one lock order."""
    ledger.lock(Transfer.objects.filter(pk=transfer_id).values_list("source_id", flat=True))
    transfers = Transfer.objects.select_for_update(no_key=True, of=("self",)).select_related("hold", "source", "user")
    return transfers.get(pk=transfer_id)


def end(transfer: Transfer, status: Transfer.Status, reason: str = "") -> Transfer:
    """Ends a pending transfer without payment and releases its money."""
    if transfer.hold:
        hold_status = Hold.Status.EXPIRED if status == Transfer.Status.EXPIRED else Hold.Status.RELEASED
        ledger.release(transfer.hold, status=hold_status)
    transfer.status, transfer.status_reason = status, reason
    transfer.save(update_fields=["status", "status_reason"])
    announce(transfer)
    return transfer


def announce(transfer: Transfer) -> None:
    """Writes the events of a change to the transfer, for the webhooks of apps."""
    happened = [(Event.TRANSFER_UPDATED, transfer.source_id, transfer.pk)]
    if transfer.transaction_id:
        sides = filter(None, (transfer.source_id, transfer.destination_id))
        happened += [(Event.TRANSACTION_BOOKED, account_id, transfer.transaction_id) for account_id in sides]
    webhooks.announce(happened)
