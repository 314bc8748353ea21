"""The partitions of used proofs, used assertions and audit events: made ahead of their time, dropped when all of their
rows have expired (docs/decisions/011-partitions.md).

A function of the database does it with the rights of the tables' owner, one short step for each call. If it cannot, no
request notices: rows go to the default partition, and cleanup deletes them one by one.
"""

import logging
from collections.abc import Iterator
from datetime import timedelta

from django.db import OperationalError, ProgrammingError, connection, transaction
from psycopg.errors import InsufficientPrivilege, LockNotAvailable

logger = logging.getLogger(__name__)
#: An expired row that is older than this was not dropped with a partition: it is in the default partition, or in the
#: table from before partitions. A partition holds the rows of an hour, and is dropped an hour later.
REPLAY_LEFT = timedelta(hours=2)
#: The partitions of audit events are months, which are dropped whole.
AUDIT_LEFT = timedelta(days=32)


def tend(*, audit_kept: timedelta) -> Iterator[str]:
    """Creates and drops the partitions that are due. Yields what each step did. If it cannot lock a partition, the next
    run tries again.
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
        logger.warning("A partition could not be locked; the next cleanup tries again: %s", error)
    except ProgrammingError as error:
        if not isinstance(error.__cause__, InsufficientPrivilege):
            raise
        logger.warning("The database role needs EXECUTE on oauth_tend_partitions to make partitions: %s", error)
    return None
