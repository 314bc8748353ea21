"""Streams the audit log to a SIEM without gaps, each event at least once, in ranges of transaction IDs.

IDs and times of events are assigned before the commit, so an event may appear after younger ones, and a reader that
continues after the last ID would miss it. Transaction IDs have no such gap: once every transaction below an ID has
ended, the set of their events is final.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.utils import timezone

from oauth.models import AuditEvent

BATCH = 500
#: Longer than any transaction that writes an event. Queries use it as a lower bound for `at`, which has an index.
LONGEST_TRANSACTION = timedelta(hours=1)
_TABLE = AuditEvent._meta.db_table
_FIELDS = [field.attname for field in AuditEvent._meta.concrete_fields]
# xmin has only the lower 32 bits of a transaction ID, so this computes how far a row is below the upper end.
_BELOW = "mod(mod(%(to)s - xmin::text::bigint, 4294967296) + 4294967296, 4294967296)"
_EVENTS = f"""
SELECT {", ".join(f'"{name}"' for name in _FIELDS)} FROM {_TABLE}
 WHERE id > %(last)s AND at > %(since)s AND {_BELOW} BETWEEN 1 AND least(%(to)s - %(after)s, 2147483648)
 ORDER BY id LIMIT %(most)s"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Cursor:
    """All events of transactions below `after` have been delivered; `at` is when `after` was read."""

    after: int
    at: datetime

    @classmethod
    def since(cls, at: datetime) -> "Cursor":
        """The cursor for delivering all events since `at`."""
        return cls(0, at + LONGEST_TRANSACTION)

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Raises ValueError, KeyError or TypeError if the text is not a cursor."""
        stored = json.loads(text)
        return cls(int(stored["after"]), datetime.fromisoformat(stored["at"]))

    def __str__(self) -> str:
        return json.dumps(asdict(self), cls=DjangoJSONEncoder)


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of transactions from `after` (inclusive) to `to` (exclusive). The `after` of the next batch is the same,
    or this `to`.
    """

    after: int
    to: int
    events: list[dict[str, Any]]

    def as_json(self) -> str:
        return json.dumps(asdict(self), cls=DjangoJSONEncoder)


def deliver_new(cursor: Cursor, deliver: Callable[[Batch], None]) -> Cursor:
    """Delivers the events that have become final since `cursor`, in batches, and returns the next cursor.

    Raises the exceptions of `deliver`; call it again with the same cursor to repeat the range. After a restore of the
    database, transaction IDs can be lower than the cursor's; the range then begins at 0 again.
    """
    with connection.cursor() as sql:
        sql.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, now()")
        to, now = sql.fetchone()
    after = cursor.after if cursor.after <= to else 0
    if after == to:
        return cursor
    for events in _batches(after, to, cursor.at - LONGEST_TRANSACTION):
        deliver(Batch(after, to, events))
    return Cursor(to, now)


def _batches(after: int, to: int, since: datetime) -> Iterator[list[dict[str, Any]]]:
    """Reads batches without keeping a transaction open, which is safe because the events of the range are final."""
    last = UUID(int=0)
    while True:
        with connection.cursor() as sql:
            sql.execute(_EVENTS, {"to": to, "after": after, "since": since, "last": last, "most": BATCH})
            batch = [dict(zip(_FIELDS, row, strict=True)) for row in sql.fetchall()]
        if batch:
            yield batch
            last = batch[-1]["id"]
        if len(batch) < BATCH:
            return


def start(at: datetime | None = None) -> Cursor:
    return Cursor.since(at or timezone.now())
