"""The exceptions of a database outage, and when the database was last reachable.

The site provides the time (`config/database`). Without it, no outage is tolerated.

While the database is unreachable, this server uses cached clients for OAUTH["OUTAGE_TOLERANCE"].
"""

import time
from collections.abc import Callable
from datetime import timedelta

import psycopg
from django.db import InterfaceError, OperationalError

from oauth.infrastructure.provided import Provided

#: Errors of a database session that can no longer be used: it was idle in a transaction for too long, its transaction
#: took too long (PostgreSQL 17), or the server is now a standby. psycopg maps their SQLSTATE to InternalError, as if
#: they were bugs.
ENDED_SESSION = (
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.TransactionTimeout,
    psycopg.errors.ReadOnlySqlTransaction,
)
#: psycopg's errors that mean that the database is unreachable, at least on this connection.
OF_PSYCOPG = (psycopg.OperationalError, *ENDED_SESSION)
#: The same with Django's exceptions. psycopg's own exceptions come from its pool.
ERRORS = (OperationalError, InterfaceError, *OF_PSYCOPG)
#: OAUTH["OUTAGE_TOLERANCE"].
tolerance: Provided[timedelta] = Provided(timedelta())
_source: Callable[[], float | None] | None = None


def watched_by(source: Callable[[], float | None]) -> None:
    """`source` returns when the database was last reachable (time.monotonic()); None if never."""
    global _source
    _source = source


def tolerated_since(*read_at: float) -> float | None:
    """For a request whose query has failed: the time when the database was last reachable, or the earliest of
    `read_at`, the times when the needed data were last read. None if that is longer ago than OUTAGE_TOLERANCE.
    """
    answered_at = _source() if _source is not None else None
    if answered_at is None:
        return None
    at = min([answered_at, *read_at])
    return None if time.monotonic() - at > tolerance.values.total_seconds() else at
