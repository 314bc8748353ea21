"""One connection that asks the database whether it is there. Each answer has a deadline on this side.

psycopg waits as long as the server keeps the connection open, so a stopped server would stop the caller. This uses
libpq without blocking, through `psycopg.pq`.
"""

import select
import time
from collections.abc import Callable
from dataclasses import dataclass

from psycopg import OperationalError, pq
from psycopg.pq.abc import PGconn

from config.database import connecting, waiting
from config.database.waiting import Away

_ASK = b"SELECT extract(epoch FROM clock_timestamp())::text, pg_is_in_recovery()::text"


@dataclass(frozen=True, slots=True)
class Answer:
    #: How much the clock of this host is ahead of the database's, in seconds; negative if it is behind.
    clock_skew_seconds: float
    #: Half of the time that the answer took: the skew is not known better than this.
    uncertainty_seconds: float


class Probe:
    """Not for several threads. `conninfo` is libpq's connection string."""

    def __init__(self, conninfo: str, *, seconds: float) -> None:
        self.conninfo = conninfo
        self.seconds = seconds
        self._server: PGconn | None = None

    def ask(self) -> Answer | None:
        """None if the database answers but has no connection left for the probe. Raises Away within `seconds`."""
        until = time.monotonic() + self.seconds
        try:
            if self._server is None:
                self._server = connecting.connect(self.conninfo, until)
                if self._server is None:
                    return None
            return self._asked(self._server, until)
        except Away:
            self.close()
            raise

    def close(self) -> None:
        if self._server is not None:
            self._server.finish()
            self._server = None

    def _asked(self, server: PGconn, until: float) -> Answer:
        began, began_at = time.monotonic(), time.time()
        try:
            server.send_query(_ASK)
            while server.flush():
                waiting.until_any({server.socket: select.POLLIN | select.POLLOUT}, until)
                server.consume_input()
            rows = _results(server, lambda: waiting.until_any({server.socket: select.POLLIN}, until))
        except OperationalError as error:
            raise Away("connection lost") from error
        took = time.monotonic() - began
        if rows is None:
            raise Away("connection lost")
        at, is_standby = rows
        if is_standby == b"true":
            raise Away("read-only: a standby")
        return Answer(began_at + took / 2 - float(at), took / 2)


def _results(server: PGconn, wait: Callable[[], object]) -> tuple[bytes, bytes] | None:
    found: tuple[bytes, bytes] | None = None
    while True:
        while server.is_busy():
            wait()
            server.consume_input()
        result = server.get_result()
        if result is None:
            return found
        if result.status == pq.ExecStatus.TUPLES_OK:
            found = (result.get_value(0, 0) or b"", result.get_value(0, 1) or b"")
