"""Allows only one import at a time, for all sources together."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from oauth.dot_import.errors import ImportRefused

# A session-level lock, which PostgreSQL releases if a killed import loses its connection.
ADVISORY_LOCK = 4_310_277


@contextmanager
def alone() -> Iterator[None]:
    """Raises ImportRefused if another import is running."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK])
        if not cursor.fetchone()[0]:
            raise ImportRefused("Another import is running. Wait until it ends, or stop it.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])
