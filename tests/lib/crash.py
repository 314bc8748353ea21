"""Ends the PostgreSQL process of this connection before a chosen statement, as a crash or an operator would."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


class Crash:
    def __init__(self, before_statement: int) -> None:
        self.statements_left = before_statement
        self.happened = False

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self.statements_left -= 1
        if self.statements_left <= 0:
            self.now()
        return execute(*arguments)

    def now(self) -> None:
        """Ends the process, once."""
        if self.happened:
            return
        self.happened = True
        pid = connection.connection.info.backend_pid
        other = connection.copy()
        try:
            with other.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])  # waits until the process has ended
                assert cursor.fetchone() == (True,)
        finally:
            other.close()


@contextmanager
def crashing(*, before_statement: int) -> Iterator[Crash]:
    """Context manager: inside it, the transaction loses its connection once, before this statement. With `crash.now()`
    as the last call of the transaction, this happens just before COMMIT.
    """
    crash = Crash(before_statement)
    try:
        with connection.execute_wrapper(crash):
            yield crash
    finally:
        connection.close_if_unusable_or_obsolete()
