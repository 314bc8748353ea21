"""The connections that requests of this process hold, which threads wait for the database, and how a connection is cut
while its thread waits inside of libpq."""

import itertools
import os
import socket
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple, Protocol

from django.db import DEFAULT_DB_ALIAS
from psycopg import Connection, pq


class Holder(Protocol):
    """The DatabaseWrapper that has the connection. A thread has its own."""

    alias: str
    #: How many answers it has had from the database.
    answers: int


class _Held(NamedTuple):
    holder: Holder
    connection: Connection[object]
    thread: int


# By id of the connection. A dict is changed and copied in one step of the interpreter.
_held: dict[int, _Held] = {}
#: By thread that waits for a connection of the pool: a number of its own.
_asking: dict[int, int] = {}
_numbers = itertools.count()
#: By thread whose slot is lent while it waits (config/server/lending.py): what it calls before it goes on.
lent: dict[int, Callable[[], None]] = {}


def took(connection: Connection[object], holder: Holder) -> None:
    _held[id(connection)] = _Held(holder, connection, threading.get_ident())


def gave_back(connection: Connection[object]) -> None:
    _held.pop(id(connection), None)


def held(alias: str = DEFAULT_DB_ALIAS) -> list[Connection[object]]:
    return [one.connection for one in list(_held.values()) if one.holder.alias == alias]


def is_waiting(connection: Connection[object]) -> bool:
    """Whether a statement, or a COMMIT, has been sent and not been answered."""
    return connection.pgconn.transaction_status == pq.TransactionStatus.ACTIVE


@contextmanager
def asking() -> Iterator[None]:
    """Within it, this thread waits for a connection."""
    thread = threading.get_ident()
    _asking[thread] = next(_numbers)
    try:
        yield
    finally:
        del _asking[thread]


def waiting_threads() -> dict[int, Hashable]:
    """What each thread waits for that waits for the database now. Who is seen with the same twice has waited all the
    time in between."""
    found: dict[int, Hashable] = dict(_asking)
    for one in list(_held.values()):
        if is_waiting(one.connection):
            found[one.thread] = id(one.connection), one.holder.answers
    return found


def answered(holder: Holder) -> None:
    """The thread has an answer, or an error. Called after each statement, so it must cost next to nothing."""
    holder.answers += 1
    if lent and (take_back := lent.pop(threading.get_ident(), None)):
        take_back()


def cut(connection: Connection[object]) -> None:
    """The thread that waits gets an OperationalError at once. It is unknown whether the server completes the
    statement.
    """
    with suppress(OSError, ValueError):  # it has been closed meanwhile
        other_descriptor = os.dup(connection.fileno())
        with socket.socket(fileno=other_descriptor) as same_socket:
            if not connection.closed:
                same_socket.shutdown(socket.SHUT_RDWR)
