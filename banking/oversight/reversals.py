"""Reversing a transaction by two officers: one requests it, another approves or declines. Neither may have access to an
account that it touches."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from banking import ledger, webhooks
from banking.ledger.refusals import AlreadyReversed, NotAllowed, WrongState
from banking.models import Event, LedgerTransaction, ReversalRequest
from banking.oversight.audit import Officer, record
from banking.oversight.own_money import refuse_own_money


class AlreadyRequested(WrongState):
    code = "reversal_already_requested"
    title = "The reversal was requested before and waits for a second officer."


class SameUser(NotAllowed):
    code = "reversal_by_same_person"
    title = "You have requested this yourself. Somebody else must decide."


class AlreadyDecided(WrongState):
    code = "reversal_already_decided"
    title = "The reversal was approved or declined before."


def request_reversal(transaction_id: UUID, *, by: Officer, reason: str) -> ReversalRequest:
    original = LedgerTransaction.objects.get(pk=transaction_id)
    refuse_own_money(by, original.entries.values_list("account_id", flat=True))
    if LedgerTransaction.objects.filter(reverses=original).exists():
        raise AlreadyReversed
    try:
        with transaction.atomic():
            request = ReversalRequest.objects.create(transaction=original, reason=reason, requested_by=by.user)
            _record("reversal_requested", request, by, reason)
    except IntegrityError as error:
        diagnostics = getattr(error.__cause__, "diag", None)
        if getattr(diagnostics, "constraint_name", None) == "reversal_asked_once_at_a_time":
            raise AlreadyRequested from error
        raise
    return request


@transaction.atomic
def approve_reversal(request_id: UUID, *, by: Officer, reason: str = "") -> ReversalRequest:
    """Approves and reverses in one transaction. Raises a Refusal, for example if the money has been spent since."""
    request = _open_request(request_id, by)
    request.reversal = ledger.reverse(request.transaction, reason=request.reason)
    _decide(request, ReversalRequest.Status.APPROVED, by, reason)
    _record("reversal_approved", request, by, f"{request.reason}; by {request.reversal.pk}. {reason}".strip())
    accounts = request.reversal.entries.filter(account__holder__isnull=False).values_list("account_id", flat=True)
    if happened := [(Event.TRANSACTION_BOOKED, account, request.reversal.pk) for account in accounts]:
        webhooks.announce(happened)
    return request


@transaction.atomic
def decline_reversal(request_id: UUID, *, by: Officer, reason: str) -> ReversalRequest:
    request = _open_request(request_id, by)
    _decide(request, ReversalRequest.Status.DECLINED, by, reason)
    _record("reversal_declined", request, by, reason)
    return request


def _open_request(request_id: UUID, by: Officer) -> ReversalRequest:
    """Locks the request before any account, so that decisions of two officers run one after the other."""
    requests = ReversalRequest.objects.select_for_update(no_key=True, of=("self",)).select_related("transaction")
    request = requests.get(pk=request_id)
    if request.status != ReversalRequest.Status.OPEN:
        raise AlreadyDecided
    if request.requested_by_id == by.user.pk:
        raise SameUser
    refuse_own_money(by, request.transaction.entries.values_list("account_id", flat=True))
    return request


def _decide(request: ReversalRequest, status: ReversalRequest.Status, by: Officer, reason: str) -> None:
    request.status, request.decision_reason = status, reason
    request.decided_by, request.decided_at = by.user, timezone.now()
    request.save(update_fields=["status", "decided_by", "decided_at", "decision_reason", "reversal"])


def _record(act: str, request: ReversalRequest, by: Officer, reason: str) -> None:
    """Writes a row for each holder of a touched account; one without a holder if there is none."""
    entries = request.transaction.entries.filter(account__holder__isnull=False)
    holders: set[object] = set(entries.values_list("account__holder_id", flat=True))
    for holder in holders or {""}:
        record(act, by=by, about=holder, reason=f"Transaction {request.transaction_id}: {reason}")
