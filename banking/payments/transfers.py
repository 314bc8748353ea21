"""Making and cancelling transfers. Every change happens under the lock of the source account, in one transaction with
the money."""

from datetime import timedelta
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_noop as _

from banking import ledger, notices, webhooks
from banking.database import jobs
from banking.ledger.refusals import LedgerRefusal
from banking.models import Event, Hold, Transfer
from banking.payments import duplicate, new_payee, queue, strong_proof
from banking.payments.order import Order, check

#: The background task that hands a transfer to the payment scheme. Its name is stored with jobs that wait.
SETTLE = "banking.settle_transfer"
#: A transfer that is never handed over expires after this time, and its money is released.
LONGEST_PENDING = timedelta(days=5)


class NotCancellable(LedgerRefusal):
    code = "transfer_not_cancellable"
    title = _("The transfer is no longer waiting here: it was made, refused, cancelled, or handed to the other bank.")
    status = 409


def make(order: Order) -> Transfer:
    """Inside the caller's transaction: posted, or pending with its money held. Raises a LedgerRefusal, or
    StrongProofNeeded where the sum of the day needs a user who has just logged in."""
    check(order)
    now = timezone.now()
    transfer = Transfer(**order.as_transfer(), created_at=now)
    # What a person allowed by name and amount, they have looked at.
    is_to_somebody = bool(order.payee_iban) and order.consent is None
    is_ordered_now = order.scheduled is None
    is_large = False
    if is_to_somebody or is_ordered_now:
        queue.enter(order.user_id)
    if is_ordered_now:
        is_large = strong_proof.check(order.user_id, order.currency, order.amount_minor, is_proven=order.is_proven)
    if is_to_somebody or order.end_to_end_id:
        # Both accounts, in the one order: with the source alone, two people who pay each other deadlock in `post`.
        ledger.lock({account.pk for account in (order.source, order.destination) if account})
    if order.end_to_end_id:
        duplicate.check(order.source.pk, order.end_to_end_id)
    if is_to_somebody:
        new_payee.check(order.user_id, order.payee_iban, order.amount_minor, order.currency)
    if order.destination:
        entries = [(order.source, -order.amount_minor), (order.destination, order.amount_minor)]
        transfer.transaction = ledger.post(entries, description=order.reference, kind="transfer", created_at=now)
        transfer.status, transfer.settled_at = Transfer.Status.POSTED, now
    else:
        transfer.hold = ledger.hold(order.source, order.amount_minor, until=now + LONGEST_PENDING)
        transfer.status = Transfer.Status.PENDING
    transfer.save(force_insert=True)
    if transfer.status == Transfer.Status.PENDING:
        # A row of this transaction: handed over if and only if the transfer is there.
        jobs.defer(SETTLE, transfer_id=str(transfer.pk))
    if is_large:
        notices.enqueue_notice(notices.Kind.LARGE_PAYMENT, transfer.pk)
    announce(transfer)
    return transfer


def refuse(order: Order, refusal: LedgerRefusal) -> Transfer:
    """Writes down an order of the bank's own making that could not be made, and tells of it."""
    transfer = Transfer.objects.create(
        **order.as_transfer(), status=Transfer.Status.REJECTED, status_reason=refusal.code
    )
    announce(transfer)
    return transfer


def cancel(transfer_id: UUID) -> Transfer:
    """Inside the caller's transaction. Raises NotCancellable."""
    transfer = lock_transfer(transfer_id)
    if transfer.status != Transfer.Status.PENDING or transfer.submitted_at:
        raise NotCancellable
    return end(transfer, Transfer.Status.CANCELLED)


def lock_transfer(transfer_id: UUID) -> Transfer:
    """The account first, then the transfer: the one lock order."""
    ledger.lock(Transfer.objects.filter(pk=transfer_id).values_list("source_id", flat=True))
    transfers = Transfer.objects.select_for_update(no_key=True, of=("self",)).select_related("hold", "source")
    return transfers.get(pk=transfer_id)


def end(transfer: Transfer, status: Transfer.Status, reason: str = "") -> Transfer:
    """Without payment: the money is given back."""
    if transfer.hold:
        hold_status = Hold.Status.EXPIRED if status == Transfer.Status.EXPIRED else Hold.Status.RELEASED
        ledger.release(transfer.hold, status=hold_status)
    transfer.status, transfer.status_reason = status, reason
    transfer.save(update_fields=["status", "status_reason"])
    announce(transfer)
    return transfer


def announce(transfer: Transfer) -> None:
    happened = [(Event.TRANSFER_UPDATED, transfer.source_id, transfer.pk)]
    if transfer.transaction_id:
        sides = filter(None, (transfer.source_id, transfer.destination_id))
        happened += [(Event.TRANSACTION_BOOKED, account_id, transfer.transaction_id) for account_id in sides]
    webhooks.announce(happened)
