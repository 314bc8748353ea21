"""Checks whether a pooler gives each transaction another connection, and which features of the site then fail.

pgbouncer does so with `pool_mode = transaction`. Since 1.22 it passes prepared statements on if
`max_prepared_statements` is not 0.
"""

import secrets
import select
import time
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DEFAULT_DB_ALIAS
from psycopg import Connection, pq
from psycopg.pq.abc import PGconn

from config.database import waiting, watch
from config.database.waiting import Away

#: A different name in each check, because the pooler's connections keep the statements of earlier checks.
_STATEMENT = f"countersign_check_{secrets.token_hex(8)}".encode()
_SECONDS = 2.0


@register(Tags.database)
def check_pooler(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    try:
        with (
            psycopg.connect(watch.conninfo(), autocommit=True) as one,
            psycopg.connect(watch.conninfo(), autocommit=True) as other,
        ):
            if not _share(one, other):
                return []
            return [*_prepared_statements(one), *_cursors()]
    except (psycopg.Error, Away):
        return []  # other checks report that the database is unreachable


def _share(one: Connection[Any], other: Connection[Any]) -> bool:
    """Whether `other` now has, in a transaction, the connection that `one` had for its last statement."""
    one.pgconn.prepare(_STATEMENT, b"SELECT pg_backend_pid()::text")
    had = one.pgconn.exec_prepared(_STATEMENT, []).get_value(0, 0)
    other.execute("BEGIN")
    return other.execute("SELECT pg_backend_pid()::text").fetchone() == ((had or b"").decode(),)


def _prepared_statements(one: Connection[Any]) -> Iterator[CheckMessage]:
    """A transaction on another connection keeps the server connection on which the statement was prepared."""
    database = settings.DATABASES[DEFAULT_DB_ALIAS]
    if database["OPTIONS"].get("prepare_threshold") is None:
        return
    if _status(one.pgconn) == pq.ExecStatus.FATAL_ERROR:
        yield Error(
            "A pooler gives each transaction another connection, and loses prepared statements: requests would fail "
            "at random.",
            hint="Set max_prepared_statements of pgbouncer (1.22 or later), or set DB_PREPARED_STATEMENTS=off.",
            id="config.E024",
        )


def _status(server: PGconn) -> pq.ExecStatus | None:
    """Runs the prepared statement again. Returns the status. Raises Away if the pooler has no connection for it."""
    server.send_query_prepared(_STATEMENT, [])
    until, status = time.monotonic() + _SECONDS, None
    while True:
        while server.is_busy():
            waiting.until_any({server.socket: select.POLLIN}, until)
            server.consume_input()
        result = server.get_result()
        if result is None:
            return status
        status = pq.ExecStatus(result.status)


def _cursors() -> Iterator[CheckMessage]:
    if not settings.DATABASES[DEFAULT_DB_ALIAS].get("DISABLE_SERVER_SIDE_CURSORS"):
        yield Error(
            "A pooler gives each transaction another connection, and server-side cursors are lost: exports would fail "
            "at random.",
            hint="Set DB_SERVER_SIDE_CURSORS=off.",
            id="config.E025",
        )
