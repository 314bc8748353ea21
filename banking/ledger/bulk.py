"""Posts thousands of transactions together, for the history of an imported bank or of the demo.

`post` needs a statement for each transaction, with a round trip to the database; here all transactions share three
COPYs. Nothing is skipped: the triggers run for every row, number the entries, move the balances and check each
seal, and the lock order is the same. Old versions of an account's row stay until COMMIT and slow down each further
entry, so post more than `MOST_AT_ONCE` in several database transactions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from uuid_utils.compat import uuid7

from banking.ledger.posting import lock
from banking.ledger.refusals import CurrencyMismatch, from_database
from banking.models import Account, LedgerEntry, LedgerSeal, LedgerTransaction
from banking.notation import bank_day

#: More postings than this in one database transaction slow each other down.
MOST_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Posting:
    """`amount_minor` goes from `source` to `destination`. It is booked at the time `at`, or at the time of the previous
    entry if that is later. The site's role can book only at the present time."""

    source: UUID
    destination: UUID
    amount_minor: int
    description: str
    kind: str
    at: datetime


def post_all(postings: Sequence[Posting]) -> list[UUID]:
    """Posts them in this order, all or none. Returns the ids of the transactions, which sort by time as those of `post`
    do. Raises a Refusal if one of them is refused."""
    try:
        with transaction.atomic(), connection.wrap_database_errors:
            return _post_all(postings)
    except IntegrityError as error:
        if refusal := from_database(error):
            raise refusal from error
        raise


def _post_all(postings: Sequence[Posting]) -> list[UUID]:
    touched = {account for posting in postings for account in (posting.source, posting.destination)}
    internal = set(Account.objects.filter(pk__in=touched, kind=Account.Kind.INTERNAL).values_list("pk", flat=True))
    # The lock order: customers' accounts by id, then the bank's own.
    accounts = {account.pk: account for account in (*lock(touched - internal), *lock(internal))}
    names = _counterparties({(one.source, one.destination) for one in postings})
    ids = [uuid7(nanoseconds=int(posting.at.timestamp() * 10**9)) for posting in postings]
    headers, entries = [], []
    for pk, posting in zip(ids, postings, strict=True):
        source, destination = accounts[posting.source], accounts[posting.destination]
        if source.currency != destination.currency:
            raise CurrencyMismatch
        headers.append((pk, source.currency, posting.kind, posting.description, posting.at))
        entries += _entries(pk, posting, source, destination, names)
    copy_rows(LedgerTransaction, ("id", "currency", "kind", "description", "created_at"), headers)
    copy_rows(LedgerEntry, _ENTRY, entries)
    copy_rows(LedgerSeal, ("transaction_id", "entries"), ((pk, 2) for pk in ids))
    return ids


_ENTRY = (
    "transaction_id", "account_id", "currency", "amount_minor", "account_seq", "balance_after_minor",
    "counterparty_name", "counterparty_iban", "booked_at", "value_date",
)  # fmt: skip


def _counterparties(pairs: Iterable[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], tuple[str, str]]:
    """(account, other account) -> the name and IBAN of the other account, for both directions of each pair."""
    both = list({side for one, other in pairs for side in ((one, other), (other, one))})
    with connection.cursor() as cursor:
        cursor.execute(_COUNTERPARTIES, [[one for one, _ in both], [other for _, other in both]])
        return {(one, other): (name, iban) for one, other, name, iban in cursor.fetchall()}


_COUNTERPARTIES = """
SELECT p.one, p.other, coalesce(c.seen_name, ''), coalesce(c.seen_iban, '')
  FROM unnest(%s::uuid[], %s::uuid[]) AS p (one, other), counterparty(p.one, p.other) AS c"""


def _entries(
    pk: UUID,
    posting: Posting,
    source: Account,
    destination: Account,
    names: Mapping[tuple[UUID, UUID], tuple[str, str]],
) -> list[tuple[Any, ...]]:
    """The entries in the order in which `post` writes them. The trigger sets the time and the two values that are 0
    here.
    """
    sides = sorted(
        ((source, -posting.amount_minor), (destination, posting.amount_minor)),
        key=lambda side: (side[0].kind == Account.Kind.INTERNAL, side[0].pk),
    )
    value_date = bank_day.day_of(posting.at)
    rows = []
    for account, amount_minor in sides:
        name, iban = names[account.pk, destination.pk if account is source else source.pk]
        rows.append((pk, account.pk, account.currency, amount_minor, 0, 0, name, iban, posting.at, value_date))
    return rows


def copy_rows(model: Any, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """COPY rows into the model's table."""
    with connection.cursor() as cursor:
        statement = f"COPY {model._meta.db_table} ({', '.join(columns)}) FROM STDIN"
        with cursor.copy(statement) as stream:
            for row in rows:
                stream.write_row(row)
