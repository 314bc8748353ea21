"""Keeps jobs away from a database server that another one has replaced.

If a paused machine with the former primary resumes after a failover, it still answers open connections until it notices
the failover. A job that was fetched from the new primary would read old rows there, not find the row that it is about,
and end without doing its work.
"""

from typing import Any

from django.db import OperationalError, connections
from procrastinate.contrib.django import settings as of_procrastinate
from procrastinate.job_context import JobContext
from procrastinate.middleware import SyncCallNext
from procrastinate.worker import Worker

_IS_RUNNING = "SELECT 1 FROM procrastinate_jobs WHERE id = %s AND status = 'doing'"
#: How many connections are tried: several of a pool may lead to the former primary.
_MOST_TRIES = 5


def run_on_its_server(run: SyncCallNext, context: JobContext, worker: Worker) -> Any:
    """A task middleware. Runs the job if the server of the thread's connection knows that the job is running. Raises
    OperationalError otherwise; then the job is tried again, as after an outage.
    """
    connection = connections[of_procrastinate.settings.DATABASE_ALIAS]
    for _ in range(_MOST_TRIES):
        with connection.cursor() as cursor:
            cursor.execute(_IS_RUNNING, [context.job.id])
            if cursor.fetchone():
                return run()
        if connection.in_atomic_block:
            break
        connection.connection.close()  # so that the pool does not keep it
        connection.close()
    raise OperationalError("The database server does not know that this job is running.")
