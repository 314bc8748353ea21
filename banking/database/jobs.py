"""Work for later: a row of the caller's transaction, so it is done if and only if that commits."""

import psycopg
from django.db import OperationalError
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException


def defer(task: str, **arguments: str) -> None:
    """Raises OperationalError where the database went away, as any statement does; procrastinate has its own for it."""
    try:
        app.configure_task(task, queue="banking").defer(**arguments)
    except ConnectorException as error:
        if isinstance(error.__cause__, psycopg.OperationalError):
            raise OperationalError(*error.__cause__.args) from error.__cause__
        raise
