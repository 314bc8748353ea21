"""Whether a background worker (`manage.py worker`) is running."""

from datetime import datetime

from django.db import DEFAULT_DB_ALIAS, connections, transaction

#: A worker writes its heartbeat every 10 seconds; procrastinate considers it dead after 30.
_ALIVE_SECONDS = 30


def last_seen_at(using: str = DEFAULT_DB_ALIAS) -> datetime | None:
    """The last heartbeat of a running worker; None if none is running. Raises DatabaseError, for example before
    `migrate`.
    """
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT max(last_heartbeat) FROM procrastinate_workers "
            "WHERE last_heartbeat > now() - %s * interval '1 second'",
            [_ALIVE_SECONDS],
        )
        last: datetime | None = cursor.fetchone()[0]
    return last
