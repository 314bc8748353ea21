"""The connections that requests of this process hold, and how one is cut while a thread waits inside of libpq."""

import os
import socket
from contextlib import suppress

from psycopg import Connection, pq

# By id of the connection. A dict is changed and copied in one step of the interpreter.
_held: dict[int, Connection[object]] = {}


def took(connection: Connection[object]) -> None:
    _held[id(connection)] = connection


def gave_back(connection: Connection[object]) -> None:
    _held.pop(id(connection), None)


def held() -> list[Connection[object]]:
    return list(_held.values())


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
