"""Transfers to other banks: handed to the payment scheme, asked about again, and settled or expired.

A transfer is pending until the scheme has answered. `submitted_at` is when it was handed over.
"""

from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from banking import ledger
from banking.accounts.opening import internal_account
from banking.ledger.refusals import AccountNotOpen
from banking.models import LedgerTransaction, Transfer
from banking.payments import scheme
from banking.payments.transfers import announce, end, lock_transfer

OUTGOING = "Outgoing payments"
#: After this time without an answer, the hourly task asks about a transfer: its own job has given up.
LONGEST_ANSWER = timedelta(hours=6)


def settle(transfer_id: UUID) -> None:
    """Hands a pending transfer to the scheme and stores the outcome. Safe to repeat. Raises scheme.Unanswered; the
    money then stays held."""
    pay = scheme.configured_scheme()
    if pay is None:
        raise scheme.Unanswered("PAYMENT_SCHEME is not set; nothing was handed over.")
    transfer = ledger.in_transaction(lambda: _submit(transfer_id))
    if transfer is None:
        return
    outcome = pay(transfer)
    if not ledger.in_transaction(lambda: _conclude(transfer_id, outcome)):
        raise scheme.Unanswered("The account was frozen; its held money cannot be taken yet.")


def resume() -> int:
    """Asks again about transfers that were handed over long ago and whose own job has given up. Returns how many still
    have no answer. The other bank may have been paid, so such a transfer is never cancelled or expired."""
    still_open = 0
    for pk in handed_over().filter(submitted_at__lt=timezone.now() - LONGEST_ANSWER).values_list("pk", flat=True)[:100]:
        try:
            settle(pk)
        except scheme.Unanswered:
            still_open += 1
    return still_open


def handed_over() -> QuerySet[Transfer]:
    """Transfers that the scheme has not answered yet, the oldest first."""
    pending = Transfer.objects.filter(status=Transfer.Status.PENDING, submitted_at__isnull=False)
    return pending.order_by("submitted_at")


def expire() -> int:
    """Ends transfers that were never handed over in time, and releases their money. Returns how many."""
    due = Transfer.objects.filter(
        status=Transfer.Status.PENDING, submitted_at=None, hold__expires_at__lt=timezone.now()
    )
    return sum(ledger.in_transaction(partial(_expire, pk)) for pk in due.values_list("pk", flat=True)[:1000])


def _submit(transfer_id: UUID) -> Transfer | None:
    """Marks the transfer as handed over; it cannot be cancelled any more. None if it is not pending."""
    transfer = lock_transfer(transfer_id)
    if transfer.status != Transfer.Status.PENDING:
        return None
    if transfer.submitted_at is None:
        transfer.submitted_at = timezone.now()
        transfer.save(update_fields=["submitted_at"])
    return transfer


def _conclude(transfer_id: UUID, outcome: scheme.Outcome) -> bool:
    """Returns whether the transfer has ended; if not, `status_reason` says why."""
    transfer = lock_transfer(transfer_id)
    if transfer.status != Transfer.Status.PENDING:
        return True
    if outcome.reason:
        end(transfer, Transfer.Status.REJECTED, outcome.reason)
        return True
    try:
        with transaction.atomic():
            transfer.transaction = _pay_out(transfer)
    except AccountNotOpen:
        # The account was frozen after the other bank was paid. The debt is real; the bank carries it until staff act.
        transfer.status_reason = "account_not_open"
        transfer.save(update_fields=["status_reason"])
        return False
    transfer.status, transfer.settled_at, transfer.status_reason = Transfer.Status.POSTED, timezone.now(), ""
    transfer.save(update_fields=["status", "settled_at", "status_reason", "transaction"])
    announce(transfer)
    return True


def _pay_out(transfer: Transfer) -> LedgerTransaction:
    outgoing = internal_account(transfer.currency, OUTGOING, shard_by=transfer.pk)
    return ledger.post(
        [(transfer.source, -transfer.amount_minor), (outgoing, transfer.amount_minor)],
        description=transfer.reference,
        kind="transfer",
        capturing=transfer.hold,
        counterparty=(transfer.payee_name, transfer.payee_iban),
    )


def _expire(transfer_id: UUID) -> bool:
    transfer = lock_transfer(transfer_id)
    if transfer.status != Transfer.Status.PENDING or transfer.submitted_at:
        return False
    end(transfer, Transfer.Status.EXPIRED, "not_handed_over")
    return True
