"""Reads a settlement file once, in one transaction with its matches and its differences."""

from typing import Any

from django.db import IntegrityError, transaction

from banking.accounts.opening import internal_account
from banking.models import Account, LedgerEntry, SettlementDifference, SettlementFile, SettlementMatch
from banking.payments.incoming import INCOMING
from banking.payments.settlement import OUTGOING
from banking.reconciliation.camt053 import Statement, parse
from banking.reconciliation.matching import Match, match

Kind, Status = SettlementDifference.Kind, SettlementDifference.Status


class AlreadyRead(Exception):
    """A file with this message id was read before. `is_the_same` says whether that file had the same content."""

    def __init__(self, before: SettlementFile, *, is_the_same: bool) -> None:
        words = "This file was read before" if is_the_same else "Another file with this message id was read before"
        super().__init__(f"{words}, at {before.read_at:%Y-%m-%d %H:%M} UTC.")
        self.before = before
        self.is_the_same = is_the_same


@transaction.atomic
def read_file(content: bytes, *, read_by: Any = None) -> SettlementFile:
    """Raises MalformedFile or AlreadyRead, and then stores nothing."""
    statement = parse(content)
    file = SettlementFile(
        message_id=statement.message_id, digest=statement.digest, currency=statement.currency,
        begins_at=statement.begins_at, ends_at=statement.ends_at, entries=len(statement.items), matched=0,
        read_by=read_by,
    )  # fmt: skip
    try:
        with transaction.atomic():
            # Stored first, so that another transaction with the same file waits here.
            file.save(force_insert=True)
    except IntegrityError as error:
        before = SettlementFile.objects.get(message_id=statement.message_id)
        raise AlreadyRead(before, is_the_same=before.digest == statement.digest) from error
    file.matched = sum(_store(file, statement, one) for one in match(statement))
    file.save(update_fields=["matched"])
    return file


def _store(file: SettlementFile, statement: Statement, found: Match) -> bool:
    """Stores a match, or a difference. Returns whether both sides have the item with the same amount."""
    item, entry = found.item, found.entry
    references = " ".join(dict.fromkeys(item.references)) if item else ""
    if item and entry:
        SettlementMatch.objects.create(file=file, entry=entry, reference=(item.references or ("",))[0])
        if not _settle_late(entry):
            _difference(file, statement, Match(item, None), references, account=entry.account)
            return False
        if found.our_minor == item.amount_minor:
            return True
    elif entry and SettlementDifference.objects.filter(entry=entry).exists():
        return False  # an earlier file of the same period has this difference, too
    _difference(file, statement, found, references)
    return False


def _settle_late(entry: LedgerEntry) -> bool:
    """Settles the difference of an item that was missing in an earlier file, because it was still in transit. A request
    to move its amount ends. Returns False if officers have moved the amount: then the account lacks the item.
    """
    late = SettlementDifference.objects.filter(entry=entry, kind=Kind.MISSING_THERE)
    late.filter(status=Status.ASKED).update(status=Status.OPEN, reason="", asked_by=None)
    late.filter(status=Status.OPEN).update(status=Status.SETTLED)
    return not late.filter(status=Status.MOVED).exists()


def _difference(
    file: SettlementFile, statement: Statement, found: Match, references: str, *, account: Account | None = None
) -> None:
    """`account` is the bank's own account that lacks an item of the file; without it, one is chosen."""
    item, entry = found.item, found.entry
    kinds = {(True, True): Kind.AMOUNT, (True, False): Kind.MISSING_HERE, (False, True): Kind.MISSING_THERE}
    transfer = getattr(entry.transaction, "transfer", None) if entry else None
    new = SettlementDifference(
        file=file,
        kind=kinds[item is not None, entry is not None],
        currency=statement.currency,
        file_minor=item.amount_minor if item else None,
        our_minor=found.our_minor,
        reference=(references or (str(transfer.pk) if transfer else ""))[:180],
        entry=entry,
    )
    if entry:
        new.account = entry.account
    elif account:
        new.account = account
    else:
        assert item
        purpose = OUTGOING if item.amount_minor < 0 else INCOMING
        new.account = internal_account(statement.currency, purpose, shard_by=new.pk)
    new.save(force_insert=True)
