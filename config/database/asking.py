"""A connection that enforces a deadline for each answer on the client side.

psycopg waits for as long as the connection is open, so a suspended server (SIGSTOP) would block the caller. This module
uses libpq's nonblocking functions, through `psycopg.pq`.
"""

import select
import time
from collections.abc import Callable

from psycopg import OperationalError, pq
from psycopg.pq.abc import PGconn

from config.database import connecting, waiting
from config.database.waiting import Away


class Asking:
    """Must be used by one thread only. `conninfo` is libpq's connection string. `connect` and the statement after it
    together take `seconds` at most.
    """

    def __init__(self, conninfo: str, *, seconds: float) -> None:
        self.conninfo = conninfo
        self.seconds = seconds
        self._server: PGconn | None = None
        self._until = 0.0  # of time.monotonic()

    def connect(self) -> bool:
        """Connects unless already connected. Returns False if the database answers but has no connection left. Raises
        Away.
        """
        self._until = time.monotonic() + self.seconds
        if self._server is None:
            self._server = connecting.connect(self.conninfo, self._until)
        return self._server is not None

    def row(self, statement: bytes) -> tuple[bytes, ...]:
        """The row that the statement returns, as text. Raises Away."""
        assert self._server is not None, "not connected"
        try:
            found = self._row(self._server, statement)
        except OperationalError as error:
            self.close()
            raise Away("connection lost") from error
        except Away:
            self.close()
            raise
        if found is None:
            self.close()
            raise Away("connection lost")
        return found

    @property
    def place(self) -> tuple[str, str]:
        """The host and port that the connection is to."""
        assert self._server is not None, "not connected"
        return self._server.host.decode(), self._server.port.decode()

    def close(self) -> None:
        if self._server is not None:
            self._server.finish()
            self._server = None

    def _row(self, server: PGconn, statement: bytes) -> tuple[bytes, ...] | None:
        server.send_query(statement)
        while server.flush():
            waiting.until_any({server.socket: select.POLLIN | select.POLLOUT}, self._until)
            server.consume_input()
        return _results(server, lambda: waiting.until_any({server.socket: select.POLLIN}, self._until))


def _results(server: PGconn, wait: Callable[[], object]) -> tuple[bytes, ...] | None:
    found: tuple[bytes, ...] | None = None
    while True:
        while server.is_busy():
            wait()
            server.consume_input()
        result = server.get_result()
        if result is None:
            return found
        if result.status == pq.ExecStatus.TUPLES_OK:
            found = tuple(result.get_value(0, column) or b"" for column in range(result.nfields))
