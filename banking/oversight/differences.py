"""Decisions of two officers about a difference between the ledger and a settlement file: one asks to move the amount to
suspense, another one moves it. The bank's own account then matches the file, and the money is in suspense until staff
decide where it belongs.
"""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from banking import ledger, reconciliation
from banking.accounts.opening import SUSPENSE, internal_account
from banking.ledger.refusals import NotAllowed, WrongState
from banking.models import SettlementDifference, SettlementFile
from banking.oversight.audit import Officer, record
from banking.oversight.own_money import refuse_own_money
from banking.oversight.requester import refuse_former, refuse_insider

Status = SettlementDifference.Status


class NotOpen(WrongState):
    code = "difference_not_open"
    title = "The difference was decided, or waits for another officer."


class SameUser(NotAllowed):
    code = "difference_by_same_person"
    title = "You have asked for this yourself. Somebody else must decide."


@transaction.atomic
def read_settlement_file(content: bytes, *, by: Officer) -> SettlementFile:
    """Raises MalformedFile or AlreadyRead."""
    file = reconciliation.read_file(content, read_by=by.user)
    record("settlement_file_read", by=by, reason=f"File {file}")
    return file


@transaction.atomic
def ask_to_move(difference_id: UUID, *, by: Officer, reason: str) -> SettlementDifference:
    difference = _locked(difference_id, Status.OPEN, by)
    difference.status, difference.reason, difference.asked_by = Status.ASKED, reason, by.user
    return _stored(difference, ["status", "reason", "asked_by"], "difference_asked", by, reason)


@transaction.atomic
def move_to_suspense(difference_id: UUID, *, by: Officer, reason: str = "") -> SettlementDifference:
    """Raises SameUser for the officer who asked, RequesterNotAllowed or RequesterHasAccess."""
    difference = _locked(difference_id, Status.ASKED, by)
    if difference.asked_by_id == by.user.pk:
        raise SameUser
    refuse_former(difference.asked_by, "banking.ask_settlementdifference")
    refuse_insider(difference.asked_by, _accounts(difference))
    missing = difference.missing_minor
    difference.transaction = ledger.post(
        [(difference.account, missing), (internal_account(difference.currency, SUSPENSE), -missing)],
        description=f"Settlement difference {difference.reference}"[:140].strip(),
        kind="reconciliation",
    )
    difference.status, difference.decided_by, difference.decided_at = Status.MOVED, by.user, timezone.now()
    fields = ["transaction", "status", "decided_by", "decided_at"]
    return _stored(difference, fields, "difference_moved", by, reason or difference.reason)


@transaction.atomic
def decline_to_move(difference_id: UUID, *, by: Officer, reason: str) -> SettlementDifference:
    """Declines the move, so that the difference is open again."""
    difference = _locked(difference_id, Status.ASKED, by)
    difference.status, difference.reason, difference.asked_by = Status.OPEN, "", None
    return _stored(difference, ["status", "reason", "asked_by"], "difference_declined", by, reason)


def _locked(difference_id: UUID, status: SettlementDifference.Status, by: Officer) -> SettlementDifference:
    rows = SettlementDifference.objects.select_for_update(no_key=True, of=("self",)).select_related("account", "entry")
    difference = rows.get(pk=difference_id)
    if difference.status != status:
        raise NotOpen
    refuse_own_money(by, _accounts(difference))
    return difference


def _accounts(difference: SettlementDifference) -> list[UUID]:
    """The accounts with entries in the transaction that differs; none if the ledger has no such transaction."""
    if difference.entry is None:
        return []
    return list(difference.entry.transaction.entries.values_list("account_id", flat=True))


def _stored(
    difference: SettlementDifference, fields: Iterable[str], act: str, by: Officer, reason: str
) -> SettlementDifference:
    difference.save(update_fields=list(fields))
    record(act, by=by, reason=f"Difference {difference.pk}: {reason}")
    return difference
