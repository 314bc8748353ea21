"""Runs hand-written SQL, for the few statements where the ORM takes longer than the database.

`oauth.fast_path` prepares them once per connection.
"""

from collections.abc import Sequence
from typing import Any

from django.db import models

from oauth import fast_path
from oauth.fast_path import prepared_statements
from oauth.fast_path.model_rows import values

#: The SQLSTATE with which a database function rolls back its statement and returns a result to the caller.
UNDONE = "BK001"


def rows(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with prepared_statements.cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def changed(statement: str, parameters: Sequence[Any]) -> int:
    """Runs a statement and returns the number of rows that its last part wrote."""
    with prepared_statements.cursor() as cursor:
        cursor.execute(statement, parameters)
        count: int = cursor.rowcount
        return count


def insert(row: models.Model) -> None:
    """Inserts a row without reading back its ID and, with the fast path, without signals."""
    if not fast_path.is_on():
        row.save(force_insert=True)
        return
    new = values(type(row))
    changed(f"INSERT INTO {row._meta.db_table} ({new.columns}) SELECT {new.marks}", new.of(row))
