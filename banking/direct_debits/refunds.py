"""A user requests a refund of a collection.

Within eight weeks they are credited at once, and the creditor's bank is asked to pay. After that, an unauthorized
collection is first claimed from the creditor's bank, which may prove the mandate. Each collection is refunded once: the
row is unique, and the ledger reverses a transaction once.
"""

from datetime import timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from banking import ledger, notices, webhooks
from banking.accounts.opening import SUSPENSE, internal_account
from banking.database import jobs
from banking.direct_debits.deadlines import deadlines
from banking.direct_debits.mandates import announce, end, lock_mandate, tell_holders
from banking.direct_debits.refusals import AlreadyRefunded, RefundTooLate
from banking.ledger.refusals import AccountNotOpen, AlreadyReversed
from banking.models import Account, AccountAccess, DirectDebitRefund, Event, LedgerTransaction, Mandate, SchemeMessage
from banking.models.role import HOLDING
from banking.payments import scheme
from banking.payments.refusals import NotTheirs, StrongProofNeeded

#: The background task that asks the creditor's bank. Its name is stored with waiting jobs.
CLAIM = "banking.claim_refund"
#: After this time the hourly task asks the creditor's bank, because the refund's own job has given up.
LONGEST_ANSWER = timedelta(hours=6)
_Reason, _Status = DirectDebitRefund.Reason, DirectDebitRefund.Status


def ask_for_refund(
    collection_id: UUID, reason: str, *, among: QuerySet[SchemeMessage], user_id: UUID, client_id: str, is_proven: bool
) -> DirectDebitRefund:
    """Requests a refund in the caller's transaction; `among` are the collections that the user may refund. A user who
    says that they never allowed the collection must have just logged in, and the mandate ends. Raises NotTheirs,
    StrongProofNeeded, RefundTooLate, AlreadyRefunded, AccountNotOpen, or AlreadyReversed if officers gave the money
    back."""
    done = among.filter(pk=collection_id, status=SchemeMessage.Status.DONE)
    collection = done.select_related("transaction").first()
    if collection is None or collection.mandate_id is None or collection.transaction is None:
        raise NotTheirs
    if reason == _Reason.UNAUTHORIZED and not is_proven:
        raise StrongProofNeeded
    mandate = lock_mandate(collection.mandate_id)
    # Only the debtor may claim a refund. A delegate may only pay for the debtor.
    if not AccountAccess.objects.filter(account=mandate.account_id, user=user_id, role__in=HOLDING).exists():
        raise NotTheirs
    if DirectDebitRefund.objects.filter(collection=collection).exists():
        raise AlreadyRefunded
    until = deadlines(collection.received_at)
    if reason not in until.reasons():
        raise RefundTooLate
    if mandate.account.status == Account.Status.CLOSED:
        raise AccountNotOpen
    refund = DirectDebitRefund(
        collection=collection, reason=reason, status=_Status.CLAIMED, user_id=user_id, client_id=client_id
    )
    if until.is_at_once:
        refund.status = _Status.REFUNDED
        _credit(refund, mandate)
    refund.save(force_insert=True)
    if reason == _Reason.UNAUTHORIZED and mandate.status == Mandate.Status.ACTIVE:
        end(mandate)
    else:
        announce(mandate)
    jobs.defer(CLAIM, refund_id=str(refund.pk))
    return refund


def claim_refund(refund_id: UUID) -> None:
    """Asks the creditor's bank. Safe to repeat. Raises scheme.Unanswered."""
    way = scheme.configured_scheme()
    if way is None:
        raise scheme.Unanswered("PAYMENT_SCHEME is not set; no refund was claimed.")
    waiting = DirectDebitRefund.objects.filter(pk=refund_id, status__in=DirectDebitRefund.WAITING)
    refund = waiting.select_related("collection").first()
    if refund is None:
        return
    outcome = way.claim_refund(_claim_of(refund))
    ledger.in_transaction(lambda: _conclude(refund_id, outcome))


def resume_claims() -> int:
    """Asks about refunds that have waited for a long time, because their own jobs have given up. Returns how many
    have no answer yet.
    """
    waiting = DirectDebitRefund.objects.filter(
        status__in=DirectDebitRefund.WAITING, asked_at__lt=timezone.now() - LONGEST_ANSWER
    )
    return scheme.ask_each(waiting.order_by("pk").values_list("pk", flat=True)[:100], claim_refund)


def _conclude(refund_id: UUID, outcome: scheme.Outcome) -> None:
    collection = SchemeMessage.objects.get(refund=refund_id)
    assert collection.mandate_id
    mandate = lock_mandate(collection.mandate_id)
    refund = DirectDebitRefund.objects.select_related("collection__transaction").get(pk=refund_id)
    if refund.status not in DirectDebitRefund.WAITING:
        return
    is_credited = refund.status == _Status.REFUNDED
    refund.answered_at, refund.reason_code = timezone.now(), outcome.reason
    if not outcome.reason:
        refund.status = _Status.SETTLED
        if not is_credited:
            _credit_once(refund, mandate)
    elif is_credited:
        refund.status = _Status.CONTESTED
        refund.contested_by = _to_suspense(refund)
    else:
        refund.status = _Status.REFUSED
        tell_holders(notices.Kind.REFUND_REFUSED, mandate)
    refund.save(update_fields=["status", "reason_code", "transaction", "contested_by", "answered_at"])
    announce(mandate)


def _credit_once(refund: DirectDebitRefund, mandate: Mandate) -> None:
    """Credits the account, unless officers have reversed the collection since the user asked."""
    try:
        _credit(refund, mandate)
    except AlreadyReversed:
        refund.transaction = LedgerTransaction.objects.get(reverses=refund.collection.transaction)


def _credit(refund: DirectDebitRefund, mandate: Mandate) -> None:
    """Reverses the collection. A frozen account is credited, too."""
    assert refund.collection.transaction
    refund.transaction = ledger.reverse(refund.collection.transaction, kind="refund")
    webhooks.announce([(Event.TRANSACTION_BOOKED, mandate.account_id, refund.transaction.pk)])
    tell_holders(notices.Kind.REFUNDED, mandate)


def _to_suspense(refund: DirectDebitRefund) -> LedgerTransaction:
    """The user keeps the money although the scheme does not pay it back. Staff decide who bears the loss."""
    assert refund.collection.transaction
    [ours] = refund.collection.transaction.entries.filter(account__kind=Account.Kind.INTERNAL).select_related("account")
    suspense = internal_account(refund.collection.currency, SUSPENSE)
    return ledger.post(
        [(suspense, -ours.amount_minor), (ours.account, ours.amount_minor)],
        description=f"Refund {refund.pk} contested",
        kind="refund_contested",
    )


def _claim_of(refund: DirectDebitRefund) -> scheme.RefundClaim:
    """Makes the claim from the row, so that each attempt sends the same claim."""
    collection = refund.collection
    return scheme.RefundClaim(
        claim_id=refund.pk.hex,
        original_id=collection.message_id,
        amount_minor=collection.amount_minor or 0,
        currency=collection.currency,
        # ISO 20022, ExternalReturnReason1Code: no mandate, or asked for by the debtor.
        reason="MD01" if refund.reason == _Reason.UNAUTHORIZED else "MD06",
    )
