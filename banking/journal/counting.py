"""Counts requests in the memory of the process, and adds the sums to the table of the journal every few seconds.

A request costs an entry in a dict and no statement. A killed process loses the counts that it has not stored yet: at
most those of BANK_JOURNAL_SECONDS. A process that stops normally loses none. MOST_KEPT limits the memory.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from oauth.infrastructure import caches
from oauth.infrastructure.store_later import UNAVAILABLE, StoreLater

logger = logging.getLogger(__name__)

MOST_KEPT = 10_000

#: (user, client, account, kind, hour)
Key = tuple[UUID, str, UUID | None, str, int]


@dataclass(slots=True)
class _Count:
    count: int
    first: float
    last: float
    address: str


_pending: dict[Key, _Count] = {}
_dropped = 0

# A user who was deleted in the meantime is left out. Sorted, so that two processes lock the rows in the same order.
_ADD = """
INSERT INTO access_count (user_id, client_id, account_id, kind, hour, count, first_at, last_at, address)
SELECT user_id, client_id, account_id, kind, hour, count, first_at, last_at, address
  FROM unnest(%s::uuid[], %s::text[], %s::uuid[], %s::text[], %s::timestamptz[], %s::bigint[], %s::timestamptz[],
              %s::timestamptz[], %s::text[])
       AS counted (user_id, client_id, account_id, kind, hour, count, first_at, last_at, address)
  JOIN accounts_user ON accounts_user.id = user_id
 ORDER BY user_id, client_id, account_id, kind, hour
ON CONFLICT (user_id, client_id, account_id, kind, hour) DO UPDATE
   SET count = access_count.count + excluded.count,
       first_at = least(access_count.first_at, excluded.first_at),
       last_at = greatest(access_count.last_at, excluded.last_at),
       address = CASE WHEN excluded.last_at >= access_count.last_at THEN excluded.address ELSE access_count.address END
"""


def count(
    user_id: UUID, client_id: str, accounts: Iterable[UUID | None], kind: str, *, at: float, address: str
) -> None:
    """Counts one request about these accounts. `at` is in seconds since 1970."""
    global _dropped
    hour = int(at) // 3600
    with _later.lock:
        for account in accounts:
            key = (user_id, client_id, account, kind, hour)
            counted = _pending.get(key)
            if counted is not None:
                counted.count += 1
                counted.last, counted.address = at, address
            elif len(_pending) < MOST_KEPT:
                _pending[key] = _Count(1, at, at, address)
            else:
                _dropped += 1
        _later.plan()


def store() -> int:
    """Adds the counts to the table. Returns the number of rows. Counts that cannot be stored now are kept in memory."""
    global _pending, _dropped
    with _later.lock:
        counted, _pending = _pending, {}
        dropped, _dropped = _dropped, 0
    if dropped:
        logger.error("The access journal dropped %s entries, because more than %s were waiting.", dropped, MOST_KEPT)
    if not counted:
        return 0
    try:
        with connection.cursor() as cursor:
            cursor.execute(_ADD, _columns(counted))
    except UNAVAILABLE:
        _put_back(counted)
        raise
    return len(counted)


def _columns(counted: dict[Key, _Count]) -> list[list[Any]]:
    rows = [
        (user, client, account, kind, _time(hour * 3600), one.count, _time(one.first), _time(one.last), one.address)
        for (user, client, account, kind, hour), one in counted.items()
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def _put_back(counted: dict[Key, _Count]) -> None:
    with _later.lock:
        for key, one in counted.items():
            newer = _pending.get(key)
            if newer is None:
                _pending[key] = one
            else:
                newer.count += one.count
                newer.first = min(newer.first, one.first)


def _forget() -> None:
    _pending.clear()


_later = StoreLater(
    "The access journal",
    store=store,
    forget=_forget,
    is_pending=lambda: bool(_pending),
    seconds=lambda: settings.BANK_JOURNAL_SECONDS,
)
caches.register(_forget)
