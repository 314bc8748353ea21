"""Reads from the replica if it is new enough and has what the reader wrote, else from the primary."""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.core.cache import cache
from django.db import DEFAULT_DB_ALIAS, connections
from prometheus_client import Counter
from psycopg import errors

from config.database.replica import ALIAS, watch
from config.database.replica.age import Age
from oauth.infrastructure import outage, replica

T = TypeVar("T")
#: Longer than the maximum age of a replica that may be read.
_SECONDS_OF_A_MARK = 30
#: A position that no replica reaches; used where the position of a write is unknown.
_BEYOND_ALL = 2**63
_WRITTEN = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint"

reads = Counter(
    "database_replica_reads_total",
    "Reads that may be a second old, by outcome. replica: read from the replica. All others were read from the "
    "primary, because the replica was too old or away (old), lacked the user's last write (wrote) or failed (failed), "
    "or the read was in a transaction (transaction).",
    ["outcome"],
)
logger = logging.getLogger(__name__)


def begin() -> None:
    """From now on, reads that may be a second old go to the replica, if there is one and this process watches it."""
    if ALIAS in settings.DATABASES:
        replica.read_by(ReplicaReading(watch.age))


class ReplicaReading:
    """`oauth.infrastructure.replica` for a site with a replica."""

    def __init__(self, age: Age) -> None:
        self.age = age

    def read(self, reader: Any, ask: Callable[[str], T]) -> T:
        reason = self._reason_for_the_primary(reader)
        if not reason:
            try:
                rows = ask(ALIAS)
            except outage.ERRORS as error:
                # the read exceeded its time limit, and would also exceed it on the primary
                if isinstance(error.__cause__, errors.QueryCanceled):
                    raise
                logger.info("A read of the replica failed: %s", type(error.__cause__ or error).__name__)
                connections[ALIAS].close()
                reason = "failed"
            else:
                reads.labels("replica").inc()
                return rows
        reads.labels(reason).inc()
        return ask(DEFAULT_DB_ALIAS)

    def wrote(self, writer: Any) -> None:
        """Records that this user has written. Never fails, because the write has been committed. It costs one statement
        and one write to the cache.
        """
        try:
            with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
                cursor.execute(_WRITTEN)
                [[position]] = cursor.fetchall()
        except outage.ERRORS:
            position = _BEYOND_ALL
        try:
            cache.set(_key(writer), position, _SECONDS_OF_A_MARK)
        except outage.ERRORS as error:
            logger.warning("The position of a user's last write could not be stored: %s", type(error).__name__)

    def _reason_for_the_primary(self, reader: Any) -> str:
        if connections[DEFAULT_DB_ALIAS].in_atomic_block:
            return "transaction"
        shown = self.age.shown  # read once, because the watch replaces it
        if time.monotonic() - shown.at > settings.REPLICA_MAX_AGE:
            return "old"
        # Without the shared cache, this process does not know which writes other processes have recorded. The cache can
        # fail at this `get`, so ask afterwards whether it has failed.
        if cache.get(_key(reader), 0) > shown.position or getattr(cache, "is_away", False):
            return "wrote"
        return ""


def _key(user_id: Any) -> str:
    return f"replica:written:{user_id}"
