"""Transfers to other banks: hands them to the payment scheme, asks about them again, and settles or expires them.

A transfer is pending until the scheme has answered. It is handed over, at `submitted_at`, only if its account is open
and its user active. If the account is frozen after that and the other bank was paid, two officers take the held money
(`take_to_suspense`).
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from banking import ledger
from banking.accounts.opening import SUSPENSE, internal_account
from banking.database import jobs
from banking.ledger.refusals import AccountNotOpen
from banking.models import Account, Hold, LedgerTransaction, Transfer
from banking.payments import scheme
from banking.payments.refusals import NotOwed
from banking.payments.transfers import SETTLE, announce, end, lock_transfer

OUTGOING = "Outgoing payments"
#: After this time without an answer, the transfer's own job has given up, so the hourly task asks about the transfer.
LONGEST_ANSWER = timedelta(hours=6)


def settle(transfer_id: UUID) -> None:
    """Hands a pending transfer to the scheme and stores the outcome. Safe to repeat: if the transfer was handed over
    before, the scheme is asked about it. Raises scheme.Unanswered; the money then stays held."""
    way = scheme.configured_scheme()
    if way is None:
        raise scheme.Unanswered("PAYMENT_SCHEME is not set; nothing was handed over.")
    submitted = ledger.in_transaction(lambda: _submit(transfer_id))
    if submitted is None:  # the transfer has ended, or its money may not leave now
        return
    transfer, is_first = submitted
    payment = scheme.payment_of(transfer)
    if is_owed(transfer):  # the scheme has already sent the answer, and may never repeat it
        outcome: scheme.Outcome | None = scheme.Outcome()
    else:
        outcome = None if is_first else way.ask(payment)
    if outcome is None:
        if not may_leave(transfer):
            raise scheme.Unanswered("The scheme does not know this payment, and its money may not leave now.")
        outcome = way.pay(payment)
    if not ledger.in_transaction(lambda: conclude(transfer_id, outcome)):
        raise scheme.Unanswered("The account was frozen; its held money cannot be taken yet.")


def resume() -> int:
    """Asks again about transfers that were handed over long ago and whose own job has given up. Returns how many still
    have no answer. The other bank may have been paid, so such a transfer is never cancelled or expired. Also hands over
    withheld transfers whose money may leave now, and takes held money that is owed and can be taken now.
    """
    again = (withheld().filter(user__is_active=True) | owed()).filter(source__status=Account.Status.OPEN)
    unanswered = handed_over().filter(submitted_at__lt=timezone.now() - LONGEST_ANSWER)
    both = (again.values_list("pk", flat=True)[:100], unanswered.values_list("pk", flat=True)[:100])
    return scheme.ask_each([*both[0], *both[1]], settle)


def handed_over() -> QuerySet[Transfer]:
    """Transfers that the scheme has not answered yet, the oldest first."""
    pending = Transfer.objects.filter(status=Transfer.Status.PENDING, submitted_at__isnull=False)
    return pending.order_by("submitted_at")


def withheld() -> QuerySet[Transfer]:
    """Transfers that were not handed over, because the account was not open or the user not active; oldest first."""
    pending = Transfer.objects.filter(status=Transfer.Status.PENDING, submitted_at=None)
    return pending.filter(status_reason=AccountNotOpen.code).order_by("pk")


def owed() -> QuerySet[Transfer]:
    """Transfers whose money is still held although the other bank was paid (`is_owed`); oldest first."""
    return handed_over().filter(status_reason=AccountNotOpen.code)


def resume_for(account_id: UUID) -> None:
    """For an account that is open again: enqueues jobs, in the caller's transaction, that hand over its withheld
    transfers and take the held money that is owed.
    """
    for pk in (withheld() | owed()).filter(source=account_id).values_list("pk", flat=True):
        jobs.defer(SETTLE, transfer_id=str(pk))


def may_leave(transfer: Transfer) -> bool:
    """Whether the money may be sent to another bank: the account must be open and the user active."""
    return transfer.source.status == Account.Status.OPEN and transfer.user.is_active


def is_owed(transfer: Transfer) -> bool:
    """Whether the other bank was paid and the money is still held, because the account was frozen meanwhile."""
    is_pending = transfer.status == Transfer.Status.PENDING and transfer.submitted_at is not None
    return is_pending and transfer.status_reason == AccountNotOpen.code


def take_to_suspense(transfer_id: UUID, *, approve: Callable[[LedgerTransaction], None]) -> Transfer:
    """Takes the held money of a transfer that `is_owed` to the bank's suspense account, in the caller's transaction.

    `approve` stores the approval of two officers; without it, the database refuses to debit a frozen account. Raises
    NotOwed.
    """
    transfer = lock_transfer(transfer_id)
    if not is_owed(transfer):
        raise NotOwed
    suspense = internal_account(transfer.currency, SUSPENSE)
    _post_transfer(transfer, _take(transfer, suspense, approve=approve))
    return transfer


def expire() -> int:
    """Ends transfers that were never handed over in time, and holds without a transfer. Releases the money. Returns the
    number of transfers and holds."""
    alone = Hold.objects.filter(status=Hold.Status.PENDING, transfer=None, expires_at__lt=timezone.now())
    ended = sum(ledger.in_transaction(partial(_expire_hold, pk)) for pk in alone.values_list("pk", flat=True)[:1000])
    due = Transfer.objects.filter(
        status=Transfer.Status.PENDING, submitted_at=None, hold__expires_at__lt=timezone.now()
    )
    return ended + sum(ledger.in_transaction(partial(_expire, pk)) for pk in due.values_list("pk", flat=True)[:1000])


def _submit(transfer_id: UUID) -> tuple[Transfer, bool] | None:
    """Marks the transfer as handed over, after which it cannot be cancelled. Returns the transfer, and whether this is
    the first time; None if it is not pending. Also returns None, and sets `status_reason`, if the account is not open
    or the user not active. But a transfer that was handed over before is returned, because the other bank may have been
    paid.
    """
    transfer = lock_transfer(transfer_id)
    if transfer.status != Transfer.Status.PENDING:
        return None
    if transfer.submitted_at is not None:
        return transfer, False
    if not may_leave(transfer):
        if transfer.status_reason != AccountNotOpen.code:
            transfer.status_reason = AccountNotOpen.code
            transfer.save(update_fields=["status_reason"])
            announce(transfer)
        return None
    transfer.submitted_at, transfer.status_reason = timezone.now(), ""
    transfer.save(update_fields=["submitted_at", "status_reason"])
    return transfer, True


def conclude(transfer_id: UUID, outcome: scheme.Outcome) -> bool:
    """Stores the outcome, in the caller's transaction. Returns whether the transfer has ended; if not, `status_reason`
    says why."""
    transfer = lock_transfer(transfer_id)
    if transfer.status != Transfer.Status.PENDING:
        return True
    if outcome.reason:
        transfer.reason_code = outcome.reason
        end(transfer, Transfer.Status.REJECTED, scheme.word_for(outcome.reason))
        return True
    try:
        with transaction.atomic():
            posted = _take(transfer, internal_account(transfer.currency, OUTGOING, shard_by=transfer.pk))
    except AccountNotOpen:
        # The account was frozen after the other bank was paid. The hold stays until staff act or the account is open
        # again.
        if not is_owed(transfer):
            transfer.status_reason = AccountNotOpen.code
            transfer.save(update_fields=["status_reason"])
            announce(transfer)
        return False
    _post_transfer(transfer, posted)
    return True


def _take(
    transfer: Transfer, to: Account, *, approve: Callable[[LedgerTransaction], None] | None = None
) -> LedgerTransaction:
    """Posts the held money to an account of the bank."""
    return ledger.post(
        [(transfer.source, -transfer.amount_minor), (to, transfer.amount_minor)],
        description=transfer.reference,
        kind="transfer",
        capturing=transfer.hold,
        counterparty=(transfer.payee_name, transfer.payee_iban),
        approve=approve,
    )


def _post_transfer(transfer: Transfer, posted: LedgerTransaction) -> None:
    transfer.transaction = posted
    transfer.status, transfer.settled_at, transfer.status_reason = Transfer.Status.POSTED, timezone.now(), ""
    transfer.save(update_fields=["status", "settled_at", "status_reason", "transaction"])
    announce(transfer)


def _expire_hold(hold_id: UUID) -> bool:
    ledger.lock(Hold.objects.filter(pk=hold_id).values_list("account_id", flat=True))
    held = Hold.objects.filter(pk=hold_id, status=Hold.Status.PENDING).first()
    if held is None:  # captured or released meanwhile
        return False
    ledger.release(held, status=Hold.Status.EXPIRED)
    return True


def _expire(transfer_id: UUID) -> bool:
    transfer = lock_transfer(transfer_id)
    if transfer.status != Transfer.Status.PENDING or transfer.submitted_at:
        return False
    end(transfer, Transfer.Status.EXPIRED, "not_handed_over")
    return True
