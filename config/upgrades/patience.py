"""Runs migrations without making the site wait: a statement that needs a lock gives up soon, and is tried again.

PostgreSQL queues locks: while ALTER TABLE waits behind one long query, every later query of that table waits behind it.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection
from psycopg import sql
from psycopg.errors import DeadlockDetected, LockNotAvailable

logger = logging.getLogger(__name__)

#: If two `migrate` run on one database, the second one waits, and then finds nothing to do.
_ADVISORY_LOCK = 7_203_114_402
PAUSE_SECONDS = 1.0
#: These statements wait for other transactions but do not block any.
_LETS_OTHERS_PASS = (" CONCURRENTLY ", " VALIDATE CONSTRAINT ")
_INVALID = """
SELECT 1 FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
 WHERE relname = %s AND relnamespace = 'public'::regnamespace AND NOT indisvalid"""


@dataclass(frozen=True, slots=True)
class Patience:
    lock_seconds: float
    attempts: int

    @contextmanager
    def during_statements(self) -> Iterator[None]:
        """Context manager that applies the settings of the session. A statement outside of a transaction that cannot
        get its lock is tried again.
        """
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_ADVISORY_LOCK])
            cursor.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
            cursor.execute(f"SET lock_timeout = '{round(self.lock_seconds * 1000)}ms'")
        try:
            with connection.execute_wrapper(self._run):
                yield
        finally:
            _discard()

    def retry(self, what: Callable[[], Any]) -> Any:
        """Tries again while a lock cannot be acquired. Each attempt must be atomic."""
        for attempt in range(1, self.attempts + 1):
            try:
                return what()
            except OperationalError as error:
                if attempt == self.attempts or not isinstance(error.__cause__, LockNotAvailable | DeadlockDetected):
                    raise
                logger.warning("Attempt %d of %d: %s", attempt, self.attempts, str(error).strip().partition("\n")[0])
                time.sleep(PAUSE_SECONDS)

    def _run(self, execute: Callable[..., Any], statement: Any, params: Any, many: bool, context: Any) -> Any:
        text = f" {statement} ".upper()
        if connection.in_atomic_block:
            return execute(statement, params, many, context)
        if any(words in text for words in _LETS_OTHERS_PASS):
            with self._unlimited():
                _drop_what_was_left(str(statement))
                return execute(statement, params, many, context)
        return self.retry(lambda: execute(statement, params, many, context))

    @contextmanager
    def _unlimited(self) -> Iterator[None]:
        _plainly("SET lock_timeout = 0")
        try:
            yield
        finally:
            _plainly(f"SET lock_timeout = '{round(self.lock_seconds * 1000)}ms'")


def _discard() -> None:
    """The settings and the lock end with the connection. After a drain, the pool closes each connection that is
    returned to it.
    """
    pool: Any = connection.pool  # type: ignore[attr-defined]  # of Django's PostgreSQL backend
    if pool is not None:
        pool.drain()
    connection.close()


def _drop_what_was_left(statement: str) -> None:
    """An interrupted CREATE INDEX CONCURRENTLY leaves behind an invalid index with this name."""
    words = statement.replace('"', " ").split()
    if [one.upper() for one in words[:1]] != ["CREATE"] or " INDEX " not in f" {statement.upper()} ":
        return
    name = next(
        one for one in words if one.upper() not in {"CREATE", "UNIQUE", "INDEX", "CONCURRENTLY", "IF", "NOT", "EXISTS"}
    )
    driver: Any = connection.connection
    if driver.execute(_INVALID, [name]).fetchone():
        logger.warning("Drops the index %s, which an interrupted run left behind.", name)
        driver.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(name)))


def _plainly(statement: str) -> None:
    driver: Any = connection.connection
    driver.execute(statement)
