"""Writes rows of the ledger as its triggers would, without running them, for measurements with millions of entries.

Only a superuser can switch triggers off, such as the superuser of the demo's own PostgreSQL. The rows equal those of
`bulk.post_all`: a test compares them, and `manage.py ledger_audit` reports no difference.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from uuid_utils.compat import uuid7

from banking.ledger.bulk import Posting
from banking.models import Account
from banking.notation import bank_day


@dataclass(slots=True)
class Book:
    """An account's balance and last number before its next entry, and the name and IBAN that its counterparties see."""

    currency: str
    name: str
    iban: str
    seq: int = 0
    balance: int = 0
    last_at: datetime | None = None

    @classmethod
    def of(cls, account: Account) -> "Book":
        """The state of an account of the bank. The caller must have locked the account."""
        return cls(
            account.currency, account.name, account.iban or "", account.last_seq, account.posted_minor,
            account.last_booked_at,
        )  # fmt: skip


def can_write() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser') = 'on'")
        return bool(cursor.fetchone()[0])


@contextmanager
def no_triggers() -> Iterator[None]:
    """Switches off triggers, and with them the checks of foreign keys. Must be used inside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = origin")


def write(postings: Sequence[Posting], books: dict[UUID, Book]) -> None:
    """Writes the postings in this order. `books` must have every account, and is updated."""
    headers: list[str] = []
    entries: list[str] = []
    seals: list[str] = []
    for posting in postings:
        pk = uuid7(nanoseconds=int(posting.at.timestamp() * 10**9))
        source, destination = books[posting.source], books[posting.destination]
        headers.append(f"{pk}\t{source.currency}\t{posting.kind}\t{posting.description}\t{posting.at}\n")
        entries += _entries(pk, posting, source, destination)
        seals.append(f"{pk}\t2\n")
    _copy("ledger_transaction (id, currency, kind, description, created_at)", headers)
    _copy(
        "ledger_entry (transaction_id, account_id, currency, amount_minor, account_seq, balance_after_minor, "
        "counterparty_name, counterparty_iban, booked_at, value_date)",
        entries,
    )
    _copy("ledger_seal (transaction_id, entries)", seals)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE bank_account SET last_seq = new.seq, posted_minor = new.balance, last_booked_at = new.at "
            "FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::timestamptz[]) AS new (id, seq, balance, at) "
            "WHERE bank_account.id = new.id",
            [
                list(books),
                [book.seq for book in books.values()],
                [book.balance for book in books.values()],
                [book.last_at for book in books.values()],
            ],
        )


def _entries(pk: UUID, posting: Posting, source: Book, destination: Book) -> Iterator[str]:
    """The entries in the order of `post`: customers' accounts by id, then those of the bank."""
    sides = [(posting.source, source, destination, -posting.amount_minor)]
    sides.append((posting.destination, destination, source, posting.amount_minor))
    value_date = bank_day.day_of(posting.at)
    for account, book, other, amount in sorted(sides, key=lambda side: (not side[1].iban, side[0])):
        book.seq += 1
        book.balance += amount
        book.last_at = max(posting.at, book.last_at or posting.at)
        yield (
            f"{pk}\t{account}\t{book.currency}\t{amount}\t{book.seq}\t{book.balance}\t{other.name}\t{other.iban}\t"
            f"{book.last_at}\t{value_date}\n"
        )


def _copy(into: str, lines: Iterable[str]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {into} FROM STDIN") as stream:
        stream.write("".join(lines))
