"""Posting thousands of transactions at once: history that comes from elsewhere, such as another bank's or the demo's.

`post` takes seven statements for a transaction, each with its way to the database and back; here all share three COPYs.
Nothing is skipped: the triggers run for every row, number the entries, move the balances and check each seal, and the
one lock order holds. Each entry of an account within one transaction of the database makes the next a little slower,
because the old versions of the account's row stay until COMMIT: more than `MOST_AT_ONCE` go in several transactions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from uuid_utils.compat import uuid7

from banking.ledger.posting import _counterparty, lock
from banking.ledger.refusals import CurrencyMismatch, from_database
from banking.models import Account, LedgerEntry, LedgerSeal, LedgerTransaction

#: Postings in one transaction of the database that go at full speed.
MOST_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Posting:
    """`amount_minor` goes from one account to the other, at that time."""

    source: UUID
    destination: UUID
    amount_minor: int
    description: str
    kind: str
    at: datetime


def post_all(postings: Sequence[Posting]) -> list[UUID]:
    """In this order, whole or not at all; the ids of the transactions, which sort by time as those of `post` do.

    Raises a Refusal where one would be refused at its place.
    """
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
    # The one lock order: customers' accounts by id, then the bank's own.
    accounts = {account.pk: account for account in (*lock(touched - internal), *lock(internal))}
    ids = [uuid7(nanoseconds=int(posting.at.timestamp() * 10**9)) for posting in postings]
    headers, entries = [], []
    for pk, posting in zip(ids, postings, strict=True):
        source, destination = accounts[posting.source], accounts[posting.destination]
        if source.currency != destination.currency:
            raise CurrencyMismatch
        headers.append((pk, source.currency, posting.kind, posting.description, posting.at))
        entries += _entries(pk, posting, source, destination)
    copy(LedgerTransaction, ("id", "currency", "kind", "description", "created_at"), headers)
    copy(LedgerEntry, _ENTRY, entries)
    copy(LedgerSeal, ("transaction_id", "entries"), ((pk, 2) for pk in ids))
    return ids


_ENTRY = (
    "transaction_id", "account_id", "currency", "amount_minor", "account_seq", "balance_after_minor",
    "counterparty_name", "counterparty_iban", "booked_at",
)  # fmt: skip


def _entries(pk: UUID, posting: Posting, source: Account, destination: Account) -> list[tuple[Any, ...]]:
    """In the order of `post`; the trigger sets what is 0 here."""
    sides = sorted(
        ((source, -posting.amount_minor), (destination, posting.amount_minor)),
        key=lambda side: (side[0].kind == Account.Kind.INTERNAL, side[0].pk),
    )
    rows = []
    for account, amount_minor in sides:
        other = _counterparty(account, (source, destination), None)
        name, iban = other.get("counterparty_name", ""), other.get("counterparty_iban", "")
        rows.append((pk, account.pk, account.currency, amount_minor, 0, 0, name, iban, posting.at))
    return rows


def copy(model: Any, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """COPY into the model's table."""
    with connection.cursor() as cursor:
        statement = f"COPY {model._meta.db_table} ({', '.join(columns)}) FROM STDIN"
        with cursor.copy(statement) as stream:
            for row in rows:
                stream.write_row(row)
