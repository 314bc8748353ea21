"""Allows only one import at a time, whatever its source."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from oauth.dot_import.errors import ImportRefused

# A lock of the database session: it ends with the connection, so a killed import leaves no lock.
ADVISORY_LOCK = 4_310_277


@contextmanager
def alone() -> Iterator[None]:
    """Raises ImportRefused if another import is running."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK])
        if not cursor.fetchone()[0]:
            raise ImportRefused("Another import is running: wait for it, or stop it.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])
