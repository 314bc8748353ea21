"""A transfer's life. Every change happens under the lock of its source account, in one transaction with the money."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from banking import jobs, ledger, notices, webhooks
from banking.ledger.refusals import (
    AccountNotOpen,
    AmountOutOfRange,
    CurrencyMismatch,
    LedgerRefusal,
    PayeeUnreachable,
    SameAccount,
)
from banking.models import Account, Consent, Event, Hold, LedgerTransaction, ScheduledTransfer, Transfer
from banking.models.ledger import MAX_AMOUNT_MINOR
from banking.opening import internal_account
from banking.payments import duplicate, new_payee, queue, scheme, strong_proof

SETTLE = "banking.settle_transfer"
OUTGOING = "Outgoing payments"
#: A pending transfer that was never handed over gives its money back after this.
LONGEST_PENDING = timedelta(days=5)
#: What was handed over and not answered for so long is asked about by another job than its own.
LONGEST_ANSWER = timedelta(hours=6)


class NotCancellable(LedgerRefusal):
    code = "transfer_not_cancellable"
    title = _("The transfer is no longer waiting here: it was made, refused, cancelled, or handed to the other bank.")
    status = 409


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
        notices.tell_later(notices.Kind.LARGE_PAYMENT, transfer.pk)
    _announce(transfer)
    return transfer


def refuse(order: Order, refusal: LedgerRefusal) -> Transfer:
    """Writes down an order of the bank's own making that could not be made, and tells of it."""
    transfer = Transfer.objects.create(
        **order.as_transfer(), status=Transfer.Status.REJECTED, status_reason=refusal.code
    )
    _announce(transfer)
    return transfer


def cancel(transfer_id: UUID) -> Transfer:
    """Inside the caller's transaction. Raises NotCancellable."""
    transfer = _locked(transfer_id)
    if transfer.status != Transfer.Status.PENDING or transfer.submitted_at:
        raise NotCancellable
    return _end(transfer, Transfer.Status.CANCELLED)


def settle(transfer_id: UUID) -> None:
    """Hands a pending transfer to the scheme and writes down what became of it; again and again does no harm.

    Raises scheme.Unanswered, and then the money stays held.
    """
    pay = scheme.of_site()
    if pay is None:
        raise scheme.Unanswered("There is no PAYMENT_SCHEME; nothing was handed over.")
    transfer = ledger.in_transaction(lambda: _submit(transfer_id))
    if transfer is None:
        return
    outcome = pay(transfer)
    if not ledger.in_transaction(lambda: _conclude(transfer_id, outcome)):
        raise scheme.Unanswered("The account was frozen; its held money cannot be taken yet.")


def resume() -> int:
    """Asks again about what was handed over long ago, when the job that did so has given up; how many are still open
    then. The other bank may have been paid: such a transfer is neither cancelled nor expired, it is found out about."""
    still_open = 0
    for pk in handed_over().filter(submitted_at__lt=timezone.now() - LONGEST_ANSWER).values_list("pk", flat=True)[:100]:
        try:
            settle(pk)
        except scheme.Unanswered:
            still_open += 1
    return still_open


def handed_over() -> QuerySet[Transfer]:
    """Given to the scheme, not answered yet, the oldest first."""
    pending = Transfer.objects.filter(status=Transfer.Status.PENDING, submitted_at__isnull=False)
    return pending.order_by("submitted_at")


def expire() -> int:
    """Gives back what was held for transfers that were never handed over; how many there were."""
    due = Transfer.objects.filter(
        status=Transfer.Status.PENDING, submitted_at=None, hold__expires_at__lt=timezone.now()
    )
    return sum(ledger.in_transaction(partial(_expire, pk)) for pk in due.values_list("pk", flat=True)[:1000])


def _locked(transfer_id: UUID) -> Transfer:
    """The account first, then the transfer: the one lock order."""
    ledger.lock(Transfer.objects.filter(pk=transfer_id).values_list("source_id", flat=True))
    transfers = Transfer.objects.select_for_update(no_key=True, of=("self",)).select_related("hold", "source")
    return transfers.get(pk=transfer_id)


def _submit(transfer_id: UUID) -> Transfer | None:
    """From here on it cannot be cancelled; None where there is nothing to hand over."""
    transfer = _locked(transfer_id)
    if transfer.status != Transfer.Status.PENDING:
        return None
    if transfer.submitted_at is None:
        transfer.submitted_at = timezone.now()
        transfer.save(update_fields=["submitted_at"])
    return transfer


def _conclude(transfer_id: UUID, outcome: scheme.Outcome) -> bool:
    """Whether it has come to its end; why not, stands in `status_reason`."""
    transfer = _locked(transfer_id)
    if transfer.status != Transfer.Status.PENDING:
        return True
    if outcome.reason:
        _end(transfer, Transfer.Status.REJECTED, outcome.reason)
        return True
    try:
        with transaction.atomic():
            transfer.transaction = _pay_out(transfer)
    except AccountNotOpen:
        # Frozen after the other bank was paid: the debt is real, and the bank carries it until somebody looks.
        transfer.status_reason = "account_not_open"
        transfer.save(update_fields=["status_reason"])
        return False
    transfer.status, transfer.settled_at, transfer.status_reason = Transfer.Status.POSTED, timezone.now(), ""
    transfer.save(update_fields=["status", "settled_at", "status_reason", "transaction"])
    _announce(transfer)
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
    transfer = _locked(transfer_id)
    if transfer.status != Transfer.Status.PENDING or transfer.submitted_at:
        return False
    _end(transfer, Transfer.Status.EXPIRED, "not_handed_over")
    return True


def _end(transfer: Transfer, status: Transfer.Status, reason: str = "") -> Transfer:
    """Without payment: the money is given back."""
    if transfer.hold:
        hold_status = Hold.Status.EXPIRED if status == Transfer.Status.EXPIRED else Hold.Status.RELEASED
        ledger.release(transfer.hold, status=hold_status)
    transfer.status, transfer.status_reason = status, reason
    transfer.save(update_fields=["status", "status_reason"])
    _announce(transfer)
    return transfer


def _announce(transfer: Transfer) -> None:
    happened = [(Event.TRANSFER_UPDATED, transfer.source_id, transfer.pk)]
    if transfer.transaction_id:
        sides = filter(None, (transfer.source_id, transfer.destination_id))
        happened += [(Event.TRANSACTION_BOOKED, account_id, transfer.transaction_id) for account_id in sides]
    webhooks.announce(happened)
