"""A transaction with an exclusive lock and without timeouts, because the site's timeouts are for requests."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def alone(lock: int) -> Iterator[None]:
    """`lock` is the number of a PostgreSQL advisory lock. Another transaction with the same number waits."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            for timeout in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
                cursor.execute(f"SET LOCAL {timeout} = 0")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
        yield
