"""Finds the ledger entries of a settlement file: by our id of the transfer, or by the end-to-end id."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from banking.models import Account, LedgerEntry
from banking.payments.incoming import INCOMING
from banking.payments.settlement import OUTGOING
from banking.reconciliation.camt053 import Item, Statement

#: The bank's own accounts that mirror the account at the clearing system, with the opposite sign.
OWN = (OUTGOING, INCOMING)
#: A payment may be settled some days after it was booked here.
LONGEST_WAY = timedelta(days=10)


@dataclass(frozen=True, slots=True)
class Match:
    """An item of the file and the ledger entry that it matches. One of the two may be missing."""

    item: Item | None
    entry: LedgerEntry | None

    @property
    def our_minor(self) -> int | None:
        """The amount in the ledger, with the sign of the account at the clearing system."""
        return None if self.entry is None else -self.entry.amount_minor


def match(statement: Statement) -> Iterator[Match]:
    """A Match for each item of the file, then one for each ledger entry of the period that no file has."""
    waiting = {entry.pk: entry for entry in _waiting(statement)}
    by_reference: dict[str, list[LedgerEntry]] = {}
    for entry in waiting.values():
        for reference in _references(entry):
            by_reference.setdefault(reference, []).append(entry)
    for item in statement.items:
        best = _best(item, (one for ref in item.references for one in by_reference.get(_plain(ref), ())), waiting)
        if best is not None:
            del waiting[best.pk]
        yield Match(item, best)
    for entry in waiting.values():
        if statement.begins_at <= entry.booked_at < statement.ends_at:
            yield Match(None, entry)


def _waiting(statement: Statement) -> QuerySet[LedgerEntry]:
    """Payments to and from other banks that are in no file yet, the oldest first."""
    own = Q(account__name__startswith=OWN[0]) | Q(account__name__startswith=OWN[1])
    entries = LedgerEntry.objects.filter(
        own,
        account__kind=Account.Kind.INTERNAL,
        account__currency=statement.currency,
        transaction__kind__in=_KINDS,
        booked_at__gte=statement.begins_at - LONGEST_WAY,
        booked_at__lt=statement.ends_at + LONGEST_WAY,
        settlement=None,
    )
    return entries.select_related("transaction__transfer", "transaction__scheme_message", "account").order_by(
        "booked_at", "pk"
    )


#: Other kinds, such as returns and transactions of staff, are not settled one by one by the clearing system.
_KINDS = ("transfer", "incoming_payment")


def _references(entry: LedgerEntry) -> Iterator[str]:
    yield entry.transaction_id.hex
    transfer = getattr(entry.transaction, "transfer", None)
    if transfer is not None:
        yield transfer.pk.hex
        if transfer.end_to_end_id:
            yield _plain(transfer.end_to_end_id)
    message = getattr(entry.transaction, "scheme_message", None)
    if message is not None:
        yield from (_plain(text) for text in (message.message_id, message.payment_id, message.end_to_end_id) if text)


def _plain(reference: str) -> str:
    """Normalizes the case and hyphens of one of our ids. Any other reference stays as it is."""
    try:
        return UUID(reference).hex
    except ValueError:
        return reference


def _best(item: Item, candidates: Iterable[LedgerEntry], waiting: dict[int, LedgerEntry]) -> LedgerEntry | None:
    """Of the candidates in the same direction: the first one with the same amount, otherwise the first one."""
    fitting = [one for one in candidates if one.pk in waiting and (one.amount_minor < 0) == (item.amount_minor > 0)]
    same = (one for one in fitting if -one.amount_minor == item.amount_minor)
    return next(same, fitting[0] if fitting else None)
