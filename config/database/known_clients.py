"""Keeps the signing keys and the clients in use in memory. While the database is unreachable, these clients get tokens
with the grant type client_credentials, and everybody gets the JWK Set, even from a process that has not answered such a
request before.

It runs in one thread in each process of `serve`, with its own connection, apart from the watch, which must never wait
for a statement. The processes of one server tell each other which clients they serve. A proxy often sends all requests
of a client to one process, and another process gets them when the first one has ended or is busy.
"""

import json
import logging
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, Error, close_old_connections, connections

from config.database.breaker import breaker
from oauth import keys
from oauth.clients import cache
from oauth.conf import conf
from oauth.infrastructure import outage

FOLDER = "clients-in-use"
#: How often a process looks up which clients the other processes have begun to serve. After a failure, it tries again
#: after the same time.
INTERVAL_SECONDS = 0.2
logger = logging.getLogger(__name__)


def start(directory: Path) -> None:
    """Call it once in a process. All processes of the server use the same directory."""
    seconds = conf.CLIENT_CACHE_LIFETIME.total_seconds() / 2
    if seconds and conf.OUTAGE_TOLERANCE:
        reader = Reader(directory / FOLDER, seconds)
        threading.Thread(target=reader.run, name="known-clients", daemon=True).start()


class Reader:
    """Reads all clients in use again every `seconds`, and at each look those that have come into use since the last
    look. `folder` is shared by the processes of the server. Each process writes its own file there, so that no process
    overwrites the file of another.
    """

    def __init__(self, folder: Path, seconds: float, *, process: int | None = None) -> None:
        self.folder, self.seconds = folder, seconds
        self.own = folder / f"{process or os.getpid()}.json"
        self._due_at = 0.0  # of time.monotonic()
        #: The files of other processes that have been read: by name, when each was written.
        self._written_at: dict[str, int] = {}

    def run(self) -> None:
        _leave_the_pool()
        while True:
            if not breaker.is_open:
                self.look()
            time.sleep(INTERVAL_SECONDS)

    def look(self) -> bool:
        """Whether everything that is due could be read."""
        self._hear()
        now = time.monotonic()
        is_due = now >= self._due_at
        if not is_due and not cache.news.is_set():
            return True
        cache.news.clear()  # cleared before the read, because another process may write during it
        has_read = _read(all_clients=is_due)
        if not has_read:
            cache.news.set()
        elif is_due:
            self._due_at = now + self.seconds
        # After the read, which drops disabled clients: otherwise the processes would pass disabled clients on to each
        # other forever.
        self._tell()
        return has_read

    def _hear(self) -> None:
        """Learns which clients the other processes serve, from the files that they have written since the last look."""
        for file in self.folder.glob("*.json"):
            with suppress(OSError, ValueError):  # another process has deleted it; the disk was full when it was written
                written = file.stat().st_mtime_ns
                if time.time() - written / 1e9 > cache.USED_SECONDS:
                    file.unlink()  # its process has ended
                elif file != self.own and self._written_at.get(file.name) != written:
                    # Times are of time.monotonic(), which all processes of a host share.
                    cache.also_used(json.loads(file.read_text()))
                    self._written_at[file.name] = written

    def _tell(self) -> None:
        with suppress(OSError):  # a full disk, or the server has stopped
            self.folder.mkdir(exist_ok=True)
            new = self.own.with_suffix(".new")
            new.write_text(json.dumps(cache.used()))
            new.replace(self.own)


def _leave_the_pool() -> None:
    """Gives this thread its own connection. Requests may hold all connections of the pool, for example while each
    COMMIT waits for a synchronous standby that has failed. Otherwise the data of the known clients could become too
    old, and requests of these clients would also wait for a connection.
    """
    pooled: Any = connections[DEFAULT_DB_ALIAS]
    options = {name: value for name, value in pooled.settings_dict["OPTIONS"].items() if name != "pool"}
    database = {**pooled.settings_dict, "OPTIONS": options, "CONN_MAX_AGE": None}
    connections[DEFAULT_DB_ALIAS] = type(pooled)(database, DEFAULT_DB_ALIAS)


def _read(*, all_clients: bool) -> bool:
    """Whether the clients could be read."""
    try:
        keys.is_ready()  # reads the keys if they are older than a few seconds
        if all_clients:
            cache.reload()
        else:
            cache.read_new()
    except (Error, *outage.OF_PSYCOPG) as error:
        logger.info("The clients in use could not be read again: %s", type(error).__name__)
        return False
    finally:
        close_old_connections()
    return True
