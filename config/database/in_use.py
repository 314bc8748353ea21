"""Keeps track of the connections that requests of this process hold and of the threads that wait for the database, and
closes the socket of a connection while its thread waits inside libpq.
"""

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
    """The DatabaseWrapper that has the connection. Each thread has its own wrapper."""

    alias: str
    #: The number of answers that the connection has received.
    answers: int


class _Held(NamedTuple):
    holder: Holder
    connection: Connection[object]
    thread: int

    @property
    def wait(self) -> Hashable:
        """Identifies the current wait for an answer: if two calls return the same value, the connection has waited for
        one answer all the time between them.
        """
        return id(self.connection), self.holder.answers


# The holders, by id of the connection. No lock is needed, because changing and copying a dict are atomic in CPython.
_held: dict[int, _Held] = {}
#: A unique number for each thread that waits for a connection of the pool.
_asking: dict[int, int] = {}
_numbers = itertools.count()
#: For each thread whose slot is lent while it waits (config/server/lending.py): the function that the thread calls
#: before it continues.
lent: dict[int, Callable[[], None]] = {}
#: For each thread that runs a request: a function that says whether its client has closed the connection.
_has_left: dict[int, Callable[[], bool]] = {}


def took(connection: Connection[object], holder: Holder) -> None:
    _held[id(connection)] = _Held(holder, connection, threading.get_ident())


def gave_back(connection: Connection[object]) -> None:
    _held.pop(id(connection), None)


def held(alias: str = DEFAULT_DB_ALIAS) -> list[Connection[object]]:
    return [one.connection for one in list(_held.values()) if one.holder.alias == alias]


def is_waiting(connection: Connection[object]) -> bool:
    """Whether a statement or a COMMIT has been sent and has no answer yet."""
    return connection.pgconn.transaction_status == pq.TransactionStatus.ACTIVE


@contextmanager
def asking() -> Iterator[None]:
    """A context manager: inside it, this thread counts as waiting for a connection of the pool."""
    thread = threading.get_ident()
    _asking[thread] = next(_numbers)
    try:
        yield
    finally:
        del _asking[thread]


@contextmanager
def asked_by(has_left: Callable[[], bool]) -> Iterator[None]:
    """A context manager: inside it, this thread runs a request whose client may close the connection."""
    thread = threading.get_ident()
    _has_left[thread] = has_left
    try:
        yield
    finally:
        _has_left.pop(thread, None)


def has_client_left() -> bool:
    """Whether this thread runs a request whose client has closed the connection."""
    has_left = _has_left.get(threading.get_ident())
    return has_left is not None and has_left()


def waits() -> dict[Hashable, Connection[object]]:
    """The connections that wait for an answer, keyed by `_Held.wait`."""
    return {one.wait: one.connection for one in _waiting()}


def waiting_threads() -> dict[int, Hashable]:
    """For each thread that waits for the database, a value that identifies this wait. A thread that has the same value
    in two calls has waited all the time between them.
    """
    return dict(_asking) | {one.thread: one.wait for one in _waiting()}


def _waiting() -> list[_Held]:
    return [one for one in list(_held.values()) if is_waiting(one.connection)]


def answered(holder: Holder) -> None:
    """Called after each statement, when its thread has an answer or an error, so it must cost almost nothing."""
    holder.answers += 1
    if lent and (take_back := lent.pop(threading.get_ident(), None)):
        take_back()


def cut(connection: Connection[object]) -> None:
    """Shuts the socket down, so that the waiting thread gets an OperationalError at once. It is unknown whether the
    server completes the statement.
    """
    with suppress(OSError, ValueError):  # the connection has been closed meanwhile
        other_descriptor = os.dup(connection.fileno())
        with socket.socket(fileno=other_descriptor) as same_socket:
            if not connection.closed:
                same_socket.shutdown(socket.SHUT_RDWR)
