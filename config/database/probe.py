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

_ASK = b"SELECT extract(epoch FROM clock_timestamp())::text, pg_is_in_recovery()::text"
#: What a server says that refuses a connection; libpq has no SQLSTATE for it. In another language of the server
#: (lc_messages), a full server counts as one that is away, until it has a connection for the probe.
_FULL = ("too many clients", "remaining connection slots", "too many connections")
_IN_BETWEEN = ("starting up", "not yet accepting", "shutting down", "in recovery mode")


class Away(Exception):
    """The database does not answer, or takes no writes. The text is safe to show: no host, no user."""


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
                self._server = self._connected(until)
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

    def _connected(self, until: float) -> PGconn | None:
        server = pq.PGconn.connect_start(self.conninfo.encode())
        try:
            status = server.connect_poll()
            while status in (pq.PollingStatus.READING, pq.PollingStatus.WRITING):
                event = select.POLLIN if status == pq.PollingStatus.READING else select.POLLOUT
                _wait(server.socket, event, until)
                status = server.connect_poll()
            if status == pq.PollingStatus.OK:
                server.nonblocking = 1
                return server
            said = server.error_message.decode(errors="replace")
        except BaseException:
            server.finish()
            raise
        server.finish()
        if any(text in said for text in _FULL):
            return None
        if any(text in said for text in _IN_BETWEEN):
            raise Away("starting or stopping")
        raise Away("no connection")

    def _asked(self, server: PGconn, until: float) -> Answer:
        began, began_at = time.monotonic(), time.time()
        try:
            server.send_query(_ASK)
            while server.flush():
                _wait(server.socket, select.POLLIN | select.POLLOUT, until)
                server.consume_input()
            rows = _results(server, lambda: _wait(server.socket, select.POLLIN, until))
        except OperationalError as error:
            raise Away("connection lost") from error
        took = time.monotonic() - began
        if rows is None:
            raise Away("connection lost")
        at, is_standby = rows
        if is_standby == b"true":
            raise Away("read-only: a standby")
        return Answer(began_at + took / 2 - float(at), took / 2)


def _results(server: PGconn, wait: Callable[[], None]) -> tuple[bytes, bytes] | None:
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


def _wait(socket: int, event: int, until: float) -> None:
    poll = select.poll()
    poll.register(socket, event)
    left = until - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise Away("no answer")
