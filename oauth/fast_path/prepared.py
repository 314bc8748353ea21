"""Statements of our own, prepared once a connection, through as little of psycopg as they need.

psycopg's cursor is made for whatever may come: for each statement it begins a transaction where one is due, looks for
what it may have prepared, waits in Python and reads values as text. Here a statement and its types are known, so it
goes to libpq at once, and values come back in binary: half of the CPU. Where a transaction is due to begin, and where
the site prepares no statements (`prepare_threshold` None in the database's OPTIONS), psycopg's cursor does it.
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
from psycopg.postgres import types
from psycopg.pq.abc import PGresult

_FAILED = pq.ExecStatus.FATAL_ERROR
# What the server has forgotten (DEALLOCATE ALL), or planned for a table that has changed since.
_STALE = (b"26000", b"0A000")  # invalid_sql_statement_name, feature_not_supported
# Types that psycopg reads in binary as Django has it read them as text; an answer with any other comes as text.
_PLAIN = ("bool", "bytea", "int2", "int4", "int8", "float8", "numeric", "text", "varchar", "uuid", "date",
          "timestamptz", "interval", "jsonb")  # fmt: skip
_BINARY = frozenset({types[name].oid for name in _PLAIN} | {types[name].array_oid for name in ("text", "varchar")})


def cursor() -> Any:
    """As `connection.cursor()`: errors are Django's, statements are logged and counted."""
    connection: Any = connections[DEFAULT_DB_ALIAS]  # once: Django's proxy looks it up for each attribute
    connection.ensure_connection()
    made: Any = PreparedCursor if _is_ready(connection.connection) else _UnpreparedCursor
    with connection.wrap_database_errors:
        return connection._prepare_cursor(made(connection.connection))


def _is_ready(connection: Connection[Any]) -> bool:
    """A transaction has begun, or none is due. After a rollback psycopg has the server forget what is prepared, if it
    has prepared anything itself: as it does for Django's ORM where `server_side_binding` is on."""
    if connection.prepare_threshold is None:
        return False
    if connection.autocommit:
        return True
    in_transaction = connection.pgconn.transaction_status == pq.TransactionStatus.INTRANS
    return in_transaction and not issubclass(connection.cursor_factory, ServerBindingCursor)


class _UnpreparedCursor(ServerBindingCursor):
    def execute(self, query: Any, params: Any = None, **_: Any) -> Any:
        return super().execute(query, params, prepare=False)  # type: ignore[misc]


class PreparedCursor:
    """What Django's CursorWrapper calls for one statement. Raises psycopg's errors."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection, self._server = connection, connection.pgconn
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
                self._known.statements.clear()
                if self._connection.autocommit:  # nothing was done: once more
                    result = self._run(sql, parameters)
        except MemoryError:  # so psycopg says that libpq did not even try
            raise errors.OperationalError(self._server.get_error_message()) from None
        if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            if self._server.status == pq.ConnStatus.BAD:
                raise errors.OperationalError(self._server.get_error_message())
            raise errors.error_from_result(result)
        self._result = result
        assert self._query is not None
        self._query.learn(result)

    @property
    def rowcount(self) -> int:
        return self._result.command_tuples or 0

    def fetchall(self) -> list[tuple[Any, ...]]:
        values = self._known.values
        values.set_pgresult(self._result)
        rows: list[tuple[Any, ...]] = values.load_rows(0, self._result.ntuples, tuple)
        return rows

    def _run(self, sql: str, parameters: Sequence[Any]) -> PGresult:
        known, values = self._known, self._known.values
        given = values.dump_sequence(parameters, _automatic(len(parameters)))
        kinds, formats = values.types or (), values.formats
        statement = known.statements.get((sql, kinds))
        if statement is None:
            statement = _Statement(f"own_{known.made}".encode(), _numbered(sql))
            known.made += 1
            prepared = self._server.prepare(statement.name, statement.query, kinds)
            if prepared.status == _FAILED:
                return prepared
            known.statements[sql, kinds] = statement
        self._query = statement
        return self._server.exec_prepared(statement.name, given, formats, statement.format)  # type: ignore[arg-type]


class _Statement:
    """`name` is the server's. Its first answer comes as text, and tells how those after it may."""

    __slots__ = ("format", "is_known", "name", "query")

    def __init__(self, name: bytes, query: bytes) -> None:
        self.name, self.query = name, query
        self.format, self.is_known = pq.Format.TEXT, False

    def learn(self, answer: PGresult) -> None:
        if not self.is_known:
            self.is_known = True
            if {answer.ftype(column) for column in range(answer.nfields)} <= _BINARY:
                self.format = pq.Format.BINARY


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
