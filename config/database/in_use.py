"""The connections that requests of this process hold, and how one is cut while a thread waits inside of libpq."""

import os
import socket
from contextlib import suppress

from django.db import DEFAULT_DB_ALIAS
from psycopg import Connection, pq

# By id of the connection, with the alias of its database. A dict is changed and copied in one step of the interpreter.
_held: dict[int, tuple[str, Connection[object]]] = {}


def took(connection: Connection[object], alias: str) -> None:
    _held[id(connection)] = alias, connection


def gave_back(connection: Connection[object]) -> None:
    _held.pop(id(connection), None)


def held(alias: str = DEFAULT_DB_ALIAS) -> list[Connection[object]]:
    return [connection for of, connection in list(_held.values()) if of == alias]


def is_waiting(connection: Connection[object]) -> bool:
    """Whether a statement, or a COMMIT, has been sent and not been answered."""
    return connection.pgconn.transaction_status == pq.TransactionStatus.ACTIVE


def cut(connection: Connection[object]) -> None:
    """The thread that waits gets an OperationalError at once. What the server does with the statement is not known."""
    with suppress(OSError, ValueError):  # it has been closed meanwhile
        other_descriptor = os.dup(connection.fileno())
        with socket.socket(fileno=other_descriptor) as same_socket:
            if not connection.closed:
                same_socket.shutdown(socket.SHUT_RDWR)
