"""Decisions of two officers about a reversal: one requests it, another approves or declines. Neither may have access to
an affected account.

A reversal posts the opposite of a transaction; the money of a settled payment to another bank comes from suspense,
because it has left the bank. A capture moves the held money of a transfer to suspense, because the other bank was paid
while the account was frozen. Both work on frozen accounts.
"""

from collections.abc import Callable
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from banking import ledger, payments, webhooks
from banking.account_life.officers import tell_officers
from banking.accounts.opening import SUSPENSE, internal_account
from banking.ledger.refusals import AlreadyReversed, HalfOfExchange, NotAllowed, NotReversible, WrongState
from banking.models import AccountAccess, Event, LedgerTransaction, ReversalRequest, Transfer
from banking.notices import Kind
from banking.oversight.audit import Officer, record
from banking.oversight.own_money import refuse_own_money
from banking.oversight.requester import refuse_former, refuse_insider
from banking.payments.refusals import NotOwed

_ONCE = {"reversal_asked_once_at_a_time", "capture_asked_once_at_a_time"}


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
    # Money that another bank sent back must stay: a reversal would make our clearing account differ from the scheme's
    # books.
    if original.reverses_id is not None or original.kind == "return":
        raise NotReversible
    if original.exchange_id is not None:
        raise HalfOfExchange
    if LedgerTransaction.objects.filter(reverses=original).exists():
        raise AlreadyReversed
    return _ask("reversal_requested", ReversalRequest(transaction=original, reason=reason, requested_by=by.user), by)


def request_capture(transfer_id: UUID, *, by: Officer, reason: str) -> ReversalRequest:
    """Requests that the held money of a transfer be taken, because the other bank was paid. Raises NotOwed."""
    transfer = Transfer.objects.get(pk=transfer_id)
    refuse_own_money(by, [transfer.source_id, transfer.destination_id])
    if not payments.is_owed(transfer):
        raise NotOwed
    return _ask("capture_requested", ReversalRequest(transfer=transfer, reason=reason, requested_by=by.user), by)


@transaction.atomic
def approve_reversal(request_id: UUID, *, by: Officer, reason: str = "") -> ReversalRequest:
    """Approves the request and carries it out in one transaction. Raises a Refusal, for example if the money has been
    spent since.
    """
    request = _open_request(request_id, by)
    refuse_former(request.requested_by, "banking.request_reversal")
    refuse_insider(request.requested_by, request.accounts)

    def approve(posted: LedgerTransaction) -> None:
        request.reversal = posted
        _decide(request, ReversalRequest.Status.APPROVED, by, reason)

    if request.transfer is not None:
        payments.take_to_suspense(request.transfer.pk, approve=approve)
    else:
        assert request.transaction
        _reverse(request.transaction, approve)
    act = "capture_approved" if request.transfer else "reversal_approved"
    assert request.reversal
    _record(act, request, by, f"{request.reason}; by {request.reversal.pk}. {reason}".strip())
    return request


@transaction.atomic
def decline_reversal(request_id: UUID, *, by: Officer, reason: str) -> ReversalRequest:
    request = _open_request(request_id, by)
    _decide(request, ReversalRequest.Status.DECLINED, by, reason)
    _record("capture_declined" if request.transfer else "reversal_declined", request, by, reason)
    return request


def _ask(act: str, request: ReversalRequest, by: Officer) -> ReversalRequest:
    try:
        with transaction.atomic():
            request.save(force_insert=True)
            _record(act, request, by, request.reason)
            tell_officers("banking.approve_reversal", Kind.REVERSAL_REQUESTED, request.pk, but_not=_excluded(request))
    except IntegrityError as error:
        if getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) in _ONCE:
            raise AlreadyRequested from error
        raise
    return request


def _excluded(request: ReversalRequest) -> list[UUID]:
    """The users who may not decide: the officer who asked, and everybody with access to an affected account."""
    touched: set[UUID | None] = set()
    if request.transaction is not None:
        touched |= set(request.transaction.entries.values_list("account_id", flat=True))
    if request.transfer is not None:
        touched |= {request.transfer.source_id, request.transfer.destination_id}
    of_users = AccountAccess.objects.filter(account__in=touched - {None}).values_list("user_id", flat=True)
    return [request.requested_by_id, *of_users]


def _reverse(original: LedgerTransaction, approve: Callable[[LedgerTransaction], None]) -> None:
    transfer = Transfer.objects.filter(transaction=original).first()
    has_left = transfer is not None and transfer.destination_id is None
    suspense = internal_account(original.currency, SUSPENSE) if has_left else None
    reversal = ledger.reverse(original, suspense=suspense, approve=approve)
    accounts = reversal.entries.filter(account__holder__isnull=False).values_list("account_id", flat=True)
    happened = [(Event.TRANSACTION_BOOKED, account, reversal.pk) for account in accounts]
    if transfer is not None:
        happened.append((Event.TRANSFER_UPDATED, transfer.source_id, transfer.pk))
    if happened:
        webhooks.announce(happened)


def _open_request(request_id: UUID, by: Officer) -> ReversalRequest:
    """Locks the request before any account, so that decisions of two officers are processed one after the other."""
    requests = ReversalRequest.objects.select_for_update(no_key=True, of=("self",))
    request = requests.select_related("transaction", "transfer").get(pk=request_id)
    if request.status != ReversalRequest.Status.OPEN:
        raise AlreadyDecided
    if request.requested_by_id == by.user.pk:
        raise SameUser
    refuse_own_money(by, request.accounts)
    return request


def _decide(request: ReversalRequest, status: ReversalRequest.Status, by: Officer, reason: str) -> None:
    request.status, request.decision_reason = status, reason
    request.decided_by, request.decided_at = by.user, timezone.now()
    request.save(update_fields=["status", "decided_by", "decided_at", "decision_reason", "reversal"])


def _record(act: str, request: ReversalRequest, by: Officer, reason: str) -> None:
    """Writes an audit event for each holder of an affected account, or one event without a user if there is none."""
    holders: set[object] = set(request.holders)
    what = f"Transfer {request.transfer_id}" if request.transfer_id else f"Transaction {request.transaction_id}"
    for holder in holders or {""}:
        record(act, by=by, about=holder, reason=f"{what}: {reason}")
