"""Background jobs as rows of the caller's transaction: a job runs if and only if the transaction commits."""

import psycopg
from django.db import OperationalError
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException


def defer(task: str, **arguments: str) -> None:
    """In the queue of the task. Raises OperationalError if the connection is lost, as any statement does; procrastinate
    raises an error of its own."""
    try:
        app.configure_task(task).defer(**arguments)
    except ConnectorException as error:
        if isinstance(error.__cause__, psycopg.OperationalError):
            raise OperationalError(*error.__cause__.args) from error.__cause__
        raise
