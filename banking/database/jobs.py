"""Background jobs as rows of the caller's transaction: a job runs if and only if the transaction commits."""

from typing import Any

from django.db import OperationalError
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException

from oauth.infrastructure import outage


def defer(task: str, *, in_seconds: int = 0, **arguments: str) -> None:
    """Adds a job to the queue of the task. It runs after `in_seconds` at the earliest. Raises OperationalError if the
    connection is lost, as any statement does; procrastinate raises its own error.
    """
    try:
        when: dict[str, Any] = {"schedule_in": {"seconds": in_seconds}} if in_seconds else {}
        app.configure_task(task, **when).defer(**arguments)
    except ConnectorException as error:
        if isinstance(error.__cause__, outage.OF_PSYCOPG):
            raise OperationalError(*error.__cause__.args) from error.__cause__
        raise
