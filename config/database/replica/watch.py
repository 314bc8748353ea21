"""Asks the primary and the replica for their positions (a “look”), several times within the maximum age of a read.

It runs in one thread in each process of `serve`, with its own two connections. In processes without this thread, such
as commands, the replica counts as too old, so all reads go to the primary.
"""

import logging
import threading
import time
from typing import Any

from django.conf import settings
from django.db import connections
from prometheus_client import Gauge

from config.database import in_use, watch
from config.database.asking import Asking
from config.database.replica import ALIAS
from config.database.replica.age import Age
from config.database.waiting import Away

#: The number of looks within settings.REPLICA_MAX_AGE, and within the longest time until an unreachable replica is
#: noticed.
LOOKS = 5
MOST_UNNOTICED_SECONDS = 1.0
_WRITTEN = b"""
SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::text, left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)"""
# A role without special rights sees only whether a WAL receiver exists. A replica without a WAL receiver falls behind.
_REPLAYED = b"""
SELECT (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::text, EXISTS (SELECT FROM pg_stat_wal_receiver)::text
 WHERE pg_is_in_recovery()"""

age_seconds = Gauge(
    "database_replica_age_seconds", "Maximum age of the data that the replica shows.", multiprocess_mode="livemax"
)
logger = logging.getLogger(__name__)


class ReplicaWatch:
    def __init__(self, primary: Asking, replica: Asking, age: Age) -> None:
        self.primary, self.replica, self.age = primary, replica, age
        self.is_away = False

    def run(self) -> None:
        while True:
            began = time.monotonic()
            try:
                self.look()
            except Exception:
                # If this loop raised an unexpected exception and ended, old rows would be shown forever.
                logger.exception("The thread that watches the replica failed.")
                self.age.forget()
            pause = min(settings.REPLICA_MAX_AGE, MOST_UNNOTICED_SECONDS) / LOOKS
            time.sleep(max(0.0, began + pause - time.monotonic()))

    def look(self) -> None:
        at = time.monotonic()
        try:
            if not self.primary.connect():
                return
            written, timeline = self.primary.row(_WRITTEN)
        except Away:
            return  # the watch of the primary reports this; meanwhile the replica's data gets older
        try:
            if not self.replica.connect():
                return
            replayed, is_receiving = self.replica.row(_REPLAYED)
        except Away as away:
            self._failed(str(away))
            return
        if is_receiving != b"true":
            self._failed("receives nothing from the primary")
            return
        if self.is_away:
            self.is_away = False
            logger.warning("The replica is back.")
        self.age.look(at=at, timeline=timeline.decode(), written=int(written), replayed=int(replayed))
        age_seconds.set(min(time.monotonic() - self.age.shown.at, 1e9))

    def _failed(self, reason: str) -> None:
        """Sends all reads to the primary, including those that are waiting for the replica."""
        self.age.forget()
        if not self.is_away:
            self.is_away = True
            logger.warning("The replica is unreachable: %s. All reads go to the primary.", reason)
            _forget_idle_connections()
        for connection in in_use.held(ALIAS):
            if in_use.is_waiting(connection):
                in_use.cut(connection)


#: The age of the replica, as this process knows it.
age = Age()


def start() -> None:
    """Call it once in a process."""
    if ALIAS not in settings.DATABASES:
        return
    primary = Asking(watch.conninfo(), seconds=settings.DB_PROBE_TIMEOUT)
    replica = Asking(watch.conninfo(ALIAS), seconds=settings.DB_PROBE_TIMEOUT)
    one = ReplicaWatch(primary, replica, age)
    threading.Thread(target=one.run, name="replica-watch", daemon=True).start()


def _forget_idle_connections() -> None:
    pool: Any = connections[ALIAS].pool  # type: ignore[attr-defined]  # of Django's PostgreSQL backend
    if pool is not None and not pool.closed:
        pool.drain()
