"""Hand-written SQL for the few statements where the ORM costs more than the database does.

`oauth.fast_path` prepares them once per connection.
"""

from collections.abc import Sequence
from typing import Any

from django.db import models

from oauth import fast_path
from oauth.fast_path import prepared_statements
from oauth.fast_path.model_rows import values

#: The SQLSTATE with which a function of the database undoes its own statement: a result for its caller, not an error.
UNDONE = "BK001"


def rows(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with prepared_statements.cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def changed(statement: str, parameters: Sequence[Any]) -> int:
    """The number of rows that the last part of the statement wrote."""
    with prepared_statements.cursor() as cursor:
        cursor.execute(statement, parameters)
        count: int = cursor.rowcount
        return count


def insert(row: models.Model) -> None:
    """Inserts one row and reads nothing back: no id, and with the fast path no signals."""
    if not fast_path.is_on():
        row.save(force_insert=True)
        return
    new = values(type(row))
    changed(f"INSERT INTO {row._meta.db_table} ({new.columns}) SELECT {new.marks}", new.of(row))
