"""Hand-written SQL run as prepared statements via libpq, bypassing psycopg's cursor.

For each statement, psycopg's cursor looks up whether it is prepared, waits in Python and reads values as text. Here the
statement and its types are known, so it is executed through libpq with binary results. psycopg's cursor is still used
if the database's OPTIONS set `prepare_threshold` to None, and after an error in a transaction.
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

from oauth.conf import conf

_FAILED, _IDLE = pq.ExecStatus.FATAL_ERROR, pq.TransactionStatus.IDLE
# The statement was deallocated (DEALLOCATE ALL), or its table was altered.
_STALE = (b"26000", b"0A000")  # invalid_sql_statement_name, feature_not_supported
# Types for which psycopg returns the same Python values from binary as from text. Results with other types are
# requested as text.
_PLAIN = ("bool", "bytea", "int2", "int4", "int8", "float8", "numeric", "text", "varchar", "uuid", "date",
          "timestamptz", "interval", "jsonb")  # fmt: skip
_BINARY = frozenset({types[name].oid for name in _PLAIN} | {types[name].array_oid for name in ("text", "varchar")})


def cursor(using: str = DEFAULT_DB_ALIAS) -> Any:
    """A replacement for `connections[using].cursor()`, with Django's exceptions and query log. If OAUTH["FAST_PATH"] is
    off, returns Django's cursor.
    """
    connection: Any = connections[using]  # read once, because Django's proxy looks up each attribute
    if not conf.FAST_PATH:
        return connection.cursor()
    connection.ensure_connection()
    made: Any = PreparedCursor if _is_ready(connection.connection) else _UnpreparedCursor
    with connection.wrap_database_errors:
        return connection._prepare_cursor(made(connection.connection))


def _is_ready(connection: Connection[Any]) -> bool:
    """Whether a prepared statement can be executed in the connection's transaction state. False with the database
    option `server_side_binding`, because psycopg then prepares statements itself and deallocates all of them after a
    rollback.
    """
    if connection.prepare_threshold is None:
        return False
    if connection.autocommit:
        return True
    can_run = connection.pgconn.transaction_status in (_IDLE, pq.TransactionStatus.INTRANS)
    return can_run and not issubclass(connection.cursor_factory, ServerBindingCursor)


class _UnpreparedCursor(ServerBindingCursor):
    def execute(self, query: Any, params: Any = None, **_: Any) -> Any:
        return super().execute(query, params, prepare=False)  # type: ignore[misc]


class PreparedCursor:
    """The methods that Django's CursorWrapper calls for one statement. They raise psycopg's exceptions."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection, self._server = connection, connection.pgconn
        self._known: _Known = vars(connection).get("known_statements") or _known(connection)
        self._query: _Statement | None = None  # Django's query log reads `_query.query`
        self._result: PGresult

    def __enter__(self) -> "PreparedCursor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Does nothing, because the whole result has been read."""

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        try:
            self._begin_if_due()
            result = self._run(sql, parameters)
            if result.status == _FAILED and result.error_field(pq.DiagnosticField.SQLSTATE) in _STALE:
                self._known.statements.clear()
                if self._connection.autocommit:  # nothing was changed, so try again
                    result = self._run(sql, parameters)
        except MemoryError:  # psycopg raises this where libpq could not send anything
            raise errors.OperationalError(self._server.get_error_message()) from None
        self._raise_if_failed(result)
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

    def _begin_if_due(self) -> None:
        """Sends BEGIN before the first statement of a transaction, like psycopg's cursor."""
        if not self._connection.autocommit and self._server.transaction_status == _IDLE:
            self._raise_if_failed(self._server.exec_(self._connection._get_tx_start_command()))

    def _raise_if_failed(self, result: PGresult) -> None:
        if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            return
        if self._server.status == pq.ConnStatus.BAD:
            raise errors.OperationalError(self._server.get_error_message())
        raise errors.error_from_result(result)

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
        return self._server.exec_prepared(statement.name, given, formats, statement.format)  # type: ignore[arg-type]  # psycopg's own types are narrower than libpq's


class _Statement:
    """`name` identifies the statement on the server. The first result is text; its types decide the format of later
    ones.
    """

    __slots__ = ("format", "is_known", "name", "query")

    def __init__(self, name: bytes, query: bytes) -> None:
        self.name, self.query = name, query
        self.format, self.is_known = pq.Format.TEXT, False

    def learn(self, result: PGresult) -> None:
        if not self.is_known:
            self.is_known = True
            if {result.ftype(column) for column in range(result.nfields)} <= _BINARY:
                self.format = pq.Format.BINARY


class _Known:
    """The prepared statements of a connection, and its adapters for values."""

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection
        self.adapters = AdaptersMap(connection.adapters)
        self.adapters.register_loader("jsonb", _JsonAsText)  # like Django's loader for text
        self.values = Transformer(self)
        self.statements: dict[tuple[str, tuple[int, ...]], _Statement] = {}
        self.made = 0


def _known(connection: Connection[Any]) -> _Known:
    known = vars(connection)["known_statements"] = _Known(connection)
    return known


class _JsonAsText(Loader):
    format = pq.Format.BINARY

    def load(self, data: Buffer) -> str:
        return bytes(data)[1:].decode()  # the first byte is the format version


@lru_cache(maxsize=500)
def _numbered(statement: str) -> bytes:
    """Replaces `%s` by `$1` and so on, and `%%` by `%`."""
    numbers = iter(range(1, 1 + statement.count("%s")))
    return re.sub("%([s%])", lambda mark: f"${next(numbers)}" if mark[1] == "s" else "%", statement).encode()


@lru_cache(maxsize=100)
def _automatic(number: int) -> tuple[PyFormat, ...]:
    return (PyFormat.AUTO,) * number
