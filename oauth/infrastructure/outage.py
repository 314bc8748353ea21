"""The errors of an outage of the database, and when it last answered.

The site reports this (`config/database`). Without such reports, this module knows of no outage.

While the database is unreachable, this server continues for OAUTH["OUTAGE_TOLERANCE"] with the clients that it knew
when the database last answered.
"""

import time
from collections.abc import Callable
from datetime import timedelta

import psycopg
from django.db import InterfaceError, OperationalError

from oauth.infrastructure.provided import Provided

#: Errors that say that the session can no longer be used, not that a statement was wrong: it was idle in a transaction
#: for too long, for example because its process was stopped; its transaction took too long (PostgreSQL 17); the server
#: is a standby now. psycopg derives the class from the SQLSTATE, so these are InternalErrors and would look like bugs.
ENDED_SESSION = (
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.TransactionTimeout,
    psycopg.errors.ReadOnlySqlTransaction,
)
#: Errors of psycopg that mean that the database cannot be reached, or not on this connection.
OF_PSYCOPG = (psycopg.OperationalError, *ENDED_SESSION)
#: The same errors as Django raises them. Errors of psycopg itself come from its pool.
ERRORS = (OperationalError, InterfaceError, *OF_PSYCOPG)
#: OAUTH["OUTAGE_TOLERANCE"].
tolerance: Provided[timedelta] = Provided(timedelta())
_source: Callable[[], float | None] | None = None


def watched_by(source: Callable[[], float | None]) -> None:
    """`source` returns the moment of time.monotonic() at which the database last answered; None if it never did."""
    global _source
    _source = source


def tolerated_since(*read_at: float) -> float | None:
    """When the database last answered, for a request whose query has just failed. None if that is too long ago. If what
    the request needs was last read before that, this earlier moment counts.

    Such a request may come before the breaker has noticed the outage.
    """
    answered_at = _source() if _source is not None else None
    if answered_at is None:
        return None
    at = min([answered_at, *read_at])
    return None if time.monotonic() - at > tolerance.values.total_seconds() else at
