"""Connects to the database without blocking, within a deadline: libpq's own functions have no such limit."""

import select
from collections.abc import Sequence

from psycopg import pq
from psycopg.pq.abc import PGconn

from config.database import hosts, waiting
from config.database.waiting import Away

#: Messages of a server that refuses a connection. libpq gives no SQLSTATE for them. If the server's messages are in
#: another language (lc_messages), a server without free connections counts as unreachable until it has one for the
#: probe.
_FULL = ("too many clients", "remaining connection slots", "too many connections")
_IN_BETWEEN = ("starting up", "not yet accepting", "shutting down", "in recovery mode")
#: The message of libpq about a host that target_session_attrs excludes.
_READ_ONLY = ("session is read-only", "server is in hot standby mode")
_EVENTS = {pq.PollingStatus.READING: select.POLLIN, pq.PollingStatus.WRITING: select.POLLOUT}


def connect(conninfo: str, until: float) -> PGconn | None:
    """Connects to all hosts at the same time and keeps the first connection that works, because a dead host may never
    answer. Returns None if a server answers but has no connection left. Raises Away. `until` is a value of
    time.monotonic().
    """
    attempts = [pq.PGconn.connect_start(one.encode()) for one in hosts.each(conninfo)]
    chosen = None
    try:
        chosen = _first(attempts, until)
        said = " ".join(one.error_message.decode(errors="replace") for one in attempts if one is not chosen)
    finally:
        for server in attempts:
            if server is not chosen:
                server.finish()
    if chosen is None:
        _refused(said)
        return None
    chosen.nonblocking = 1
    return chosen


def _first(attempts: Sequence[PGconn], until: float) -> PGconn | None:
    """The first connection that works; None if all attempts have failed. Raises Away."""
    pending, ready = list(attempts), list(attempts)
    events: dict[int, int] = {}
    while pending:
        for server in ready:
            status = pq.PollingStatus(server.connect_poll())
            if status == pq.PollingStatus.OK:
                return server
            if status in _EVENTS:
                events[id(server)] = _EVENTS[status]
            else:
                pending.remove(server)
        if pending:
            sockets = {server.socket: events[id(server)] for server in pending}
            happened = waiting.until_any(sockets, until)
            ready = [server for server in pending if server.socket in happened]
    return None


def _refused(said: str) -> None:
    if any(text in said for text in _FULL):
        return
    if any(text in said for text in _IN_BETWEEN):
        raise Away("starting or stopping")
    if any(text in said for text in _READ_ONLY):
        raise Away("read-only: a standby")
    raise Away("no connection")
