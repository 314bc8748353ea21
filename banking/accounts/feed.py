"""The transactions of several accounts, each in the order of its numbers, so that a client reads each transaction once.

The position of a reader is one number for each account. Numbers have no gaps. The next one is assigned under a lock of
the account that is held until COMMIT, so a transaction that commits later has a higher number. The time or id of a
transaction is not suitable as a position: it is set before COMMIT, so a reader could skip a transaction that has not
committed yet.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections

#: The maximum number of entries that one page reads from all accounts together, in addition to one from each.
MOST_READ = 5_000

_NEXT = """
SELECT a.account_id, e.id, e.account_seq, e.booked_at
  FROM unnest(%s::uuid[], %s::bigint[], %s::timestamptz[]) AS a (account_id, after, since)
 CROSS JOIN LATERAL (
   SELECT id, account_seq, booked_at FROM ledger_entry
    WHERE account_id = a.account_id AND account_seq > a.after AND booked_at + interval '0' >= a.since
    ORDER BY account_seq LIMIT %s) e
 ORDER BY a.account_id, e.account_seq
"""
# The number before the first entry that was booked since a time, as in `spans`.
_STARTS = """
SELECT a.account_id, coalesce((
         SELECT account_seq FROM ledger_entry
          WHERE account_id = a.account_id AND booked_at < a.since - interval '10 minutes'
          ORDER BY booked_at DESC, account_seq DESC LIMIT 1), 0)
  FROM unnest(%s::uuid[], %s::timestamptz[]) AS a (account_id, since)
"""


@dataclass(frozen=True, slots=True)
class Next:
    """An entry: its account, its primary key, and its number in the account."""

    account_id: UUID
    pk: int
    account_seq: int
    booked_at: datetime


def starts(since: Mapping[UUID, datetime]) -> dict[UUID, int]:
    """The position from which a reader gets each account's transactions since the account's time. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_STARTS, [list(since), list(since.values())])
        return dict(cursor.fetchall())


def next_of(
    positions: Mapping[UUID, int], since: Mapping[UUID, datetime], number: int, *, using: str = DEFAULT_DB_ALIAS
) -> tuple[list[Next], bool]:
    """At most `number` entries that follow the positions, and whether there may be more. The entries of each account
    are in the order of their numbers, and those of several accounts are merged by time. One query."""
    of_each = min(number, MOST_READ // max(1, len(positions)) + 1)
    times = [since[account_id] for account_id in positions]
    with connections[using].cursor() as cursor:
        cursor.execute(_NEXT, [list(positions), list(positions.values()), times, of_each])
        entries = [Next(*row) for row in cursor.fetchall()]
    accounts = {pk: list(rows) for pk, rows in groupby(entries, key=lambda entry: entry.account_id)}
    # Stop after the last row that was read of an account, because the next row by time may be an unread one of this
    # account.
    ends = {rows[-1].pk for rows in accounts.values() if len(rows) == of_each}
    following = []
    # Takes the oldest of the accounts' next entries, so the entries of an account stay in order even if their times
    # decrease.
    for entry in islice(heapq.merge(*accounts.values(), key=lambda entry: entry.booked_at), number):
        following.append(entry)
        if entry.pk in ends:
            return following, True
    return following, len(following) == number
