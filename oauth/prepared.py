"""Statements of our own, prepared once a connection, through as little of psycopg as they need.

psycopg's cursor is made for whatever may come: for each statement it begins a transaction where one is due, looks for
what it may have prepared, waits in Python and reads values as text. Here a statement and its types are known, so it
goes to libpq at once, and values come back in binary: half of the CPU. Outside a transaction alone, and not where the
site prepares no statements (`prepare_threshold` None in the database's OPTIONS); else psycopg's cursor does it.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.postgresql.base import ServerBindingCursor
from psycopg import Connection, errors, pq
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader, PyFormat, Transformer
from psycopg.pq.abc import PGresult

# What the server has forgotten (DEALLOCATE ALL), or planned for a table that has changed since.
_FAILED = pq.ExecStatus.FATAL_ERROR
_STALE = (b"26000", b"0A000")  # invalid_sql_statement_name, feature_not_supported


def cursor() -> Any:
    """As `connection.cursor()`: errors are Django's, statements are logged and counted."""
    connection: Any = connections[DEFAULT_DB_ALIAS]  # once: Django's proxy looks it up for each attribute
    connection.ensure_connection()
    of_psycopg = connection.connection
    is_ours = of_psycopg.autocommit and of_psycopg.prepare_threshold is not None
    with connection.wrap_database_errors:
        made = PreparedCursor(of_psycopg) if is_ours else ServerBindingCursor(of_psycopg)  # type: ignore[call-arg]
        return connection._prepare_cursor(made)


class PreparedCursor:
    """What Django's CursorWrapper calls for one statement. Raises psycopg's errors."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._server = connection.pgconn
        self._known: _Known = vars(connection).get("known_statements") or _known(connection)
        self._query: _Statement | None = None  # by this name and its `query`, Django's log of queries shows it
        self._result: PGresult

    def __enter__(self) -> "PreparedCursor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is open: all of the answer has been read."""

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        try:
            result = self._run(sql, parameters)
            if result.status == _FAILED and result.error_field(pq.DiagnosticField.SQLSTATE) in _STALE:
                self._known.statements.clear()  # nothing was done, for there is no transaction: once more
                result = self._run(sql, parameters)
        except MemoryError:  # so psycopg says that libpq did not even try
            self._refuse_dead_connection()
            raise
        if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            self._refuse_dead_connection()
            raise errors.error_from_result(result)
        self._result = result

    @property
    def rowcount(self) -> int:
        return self._result.command_tuples or 0

    def fetchall(self) -> list[tuple[Any, ...]]:
        assert self._query is not None
        return self._query.rows(self._result)

    def _run(self, sql: str, parameters: Sequence[Any]) -> PGresult:
        known = self._known
        given = known.values.dump_sequence(parameters, _automatic(len(parameters)))
        types, formats = known.values.types or (), known.values.formats
        statement = known.statements.get((sql, types))
        if statement is None:
            statement = _Statement(f"own_{known.made}".encode(), _numbered(sql), known)
            known.made += 1
            prepared = self._server.prepare(statement.name, statement.query, types)
            if prepared.status == _FAILED:
                return prepared
            known.statements[sql, types] = statement
        self._query = statement
        return self._server.exec_prepared(statement.name, given, formats, pq.Format.BINARY)  # type: ignore[arg-type]

    def _refuse_dead_connection(self) -> None:
        if self._server.status == pq.ConnStatus.BAD:
            raise errors.OperationalError(self._server.get_error_message()) from None


class _Known:
    """Of one connection: what it has prepared, and how values are written and read."""

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection
        self.adapters = AdaptersMap(connection.adapters)
        self.adapters.register_loader("jsonb", _JsonAsText)  # as Django's does, which knows of text alone
        self.values = Transformer(self)
        self.statements: dict[tuple[str, tuple[int, ...]], _Statement] = {}
        self.made = 0


def _known(connection: Connection[Any]) -> _Known:
    known = vars(connection)["known_statements"] = _Known(connection)
    return known


class _Statement:
    """`name` is the server's. The columns of its answers are always the same: how they are read is looked up once."""

    def __init__(self, name: bytes, query: bytes, known: _Known) -> None:
        self.name, self.query = name, query
        self._values = Transformer(known)
        self._has_loaders = False

    def rows(self, result: PGresult) -> list[tuple[Any, ...]]:
        self._values.set_pgresult(result, set_loaders=not self._has_loaders)
        self._has_loaders = True
        rows: list[tuple[Any, ...]] = self._values.load_rows(0, result.ntuples, tuple)
        self._values.set_pgresult(None, set_loaders=False)
        return rows


class _JsonAsText(Loader):
    format = pq.Format.BINARY

    def load(self, data: Buffer) -> str:
        return bytes(data)[1:].decode()  # after the version of the format


@lru_cache(maxsize=500)
def _numbered(statement: str) -> bytes:
    """`%s` as `$1` and so on, `%%` as `%`."""
    numbers = iter(range(1, 1 + statement.count("%s")))
    return re.sub("%([s%])", lambda mark: f"${next(numbers)}" if mark[1] == "s" else "%", statement).encode()


@lru_cache(maxsize=100)
def _automatic(number: int) -> tuple[PyFormat, ...]:
    return (PyFormat.AUTO,) * number
