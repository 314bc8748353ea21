"""Statements of our own where the ORM's work would cost more than the database's: few, for what is asked most.

Planned once a connection (`oauth.fast_path.prepared`).
"""

import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models import JSONField
from django.db.models.base import ModelState

from oauth.fast_path import prepared

Row = TypeVar("Row", bound=models.Model)
# psycopg takes their values as they are.
_PLAIN = (
    models.CharField, models.TextField, models.UUIDField, models.DateTimeField, models.BinaryField,
    models.PositiveIntegerField, models.ForeignKey,
)  # fmt: skip


def rows(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with prepared.cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def changed(statement: str, parameters: Sequence[Any]) -> int:
    """How many rows the last part of the statement wrote."""
    with prepared.cursor() as cursor:
        cursor.execute(statement, parameters)
        count: int = cursor.rowcount
        return count


class Columns(Generic[Row]):
    """All columns of a model in a SELECT under an alias, and the instance that they make."""

    def __init__(self, model: type[Row], alias: str) -> None:
        fields = model._meta.concrete_fields
        self._model = model
        self._names = [field.attname for field in fields]
        self._json = [number for number, field in enumerate(fields) if isinstance(field, JSONField)]
        self.sql = ", ".join(f'{alias}."{field.column}"' for field in fields)
        self.count = len(fields)

    def instance(self, values: Sequence[Any]) -> Row:
        given = list(values)
        for number in self._json:
            if given[number] is not None:
                given[number] = json.loads(given[number])
        return instance(self._model, zip(self._names, given, strict=True), is_stored=True)


def instance(model: type[Row], values: Iterable[tuple[str, Any]], *, is_stored: bool) -> Row:
    """Of the values of all columns, by attname. As Model(...), which looks at each field twice and tells whoever
    listens that one is made."""
    row = model.__new__(model)
    row._state = ModelState()
    if is_stored:
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    vars(row).update(values)
    return row


class Values(Generic[Row]):
    """The columns of a new row, with their types, in an INSERT ... SELECT; an identity is the database's to give."""

    def __init__(self, model: type[Row]) -> None:
        fields = [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]
        self._fields = [(field, _is_plain(field)) for field in fields]
        self.columns = ", ".join(f'"{field.column}"' for field in fields)
        self.marks = ", ".join(f"%s::{_type(field)}" for field in fields)

    def of(self, row: Row) -> list[Any]:
        connection = connections[DEFAULT_DB_ALIAS]
        return [
            getattr(row, field.attname) if is_plain else field.get_db_prep_save(field.pre_save(row, True), connection)
            for field, is_plain in self._fields
        ]


@cache
def values(model: type[Row]) -> Values[Row]:
    return Values(model)


def insert(row: models.Model) -> None:
    """One row, of which nothing is read back: no id, no signals."""
    known = values(type(row))
    changed(f"INSERT INTO {row._meta.db_table} ({known.columns}) SELECT {known.marks}", known.of(row))


def _is_plain(field: Any) -> bool:
    return type(field) in _PLAIN and not getattr(field, "auto_now", False) and not getattr(field, "auto_now_add", False)


def _type(field: Any) -> str:
    """Without its length: a cast would cut off what is longer, an assignment refuses it."""
    return re.sub(r"\(\d+\)", "", field.db_type(connections[DEFAULT_DB_ALIAS]))
