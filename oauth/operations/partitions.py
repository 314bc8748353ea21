"""Creates partitions of used proofs, used assertions and audit events in advance, and drops those whose rows have all
expired (docs/decisions/011-partitions.md).

Each call of a database function makes one short step with the rights of the tables' owner. If that fails, requests are
not affected: rows go to the default partition, from which cleanup deletes them.
"""

import logging
from collections.abc import Iterator
from datetime import timedelta

from django.db import OperationalError, ProgrammingError, connection, transaction
from psycopg.errors import InsufficientPrivilege, LockNotAvailable

logger = logging.getLogger(__name__)
#: Cleanup deletes rows that expired longer ago than this. They are in the default partition or in the table of an
#: earlier release, because a partition has the rows of one hour and is dropped an hour later.
REPLAY_LEFT = timedelta(hours=2)
#: The same for audit events, whose partitions are months.
AUDIT_LEFT = timedelta(days=32)


def tend(*, audit_kept: timedelta) -> Iterator[str]:
    """Creates and drops partitions that are due. Yields a description of each step. The next run retries a partition
    that could not be locked.
    """
    while step := _step(audit_kept):
        yield step


def _step(audit_kept: timedelta) -> str | None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT oauth_tend_partitions(make_interval(secs => %s))", [audit_kept.total_seconds()])
            step: str | None = cursor.fetchone()[0]
            return step
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        logger.warning("A partition could not be locked. The next cleanup tries again: %s", error)
    except ProgrammingError as error:
        if not isinstance(error.__cause__, InsufficientPrivilege):
            raise
        logger.warning("The database role needs EXECUTE on oauth_tend_partitions to create partitions: %s", error)
    return None
