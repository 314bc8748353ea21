"""Model instances from the rows of hand-written SQL, and the values of an instance for an INSERT.

Without this, `Model.__init__` looks at each field twice and sends two signals, and `Model.save` builds and compiles a
statement and sends two more.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models import JSONField
from django.db.models.base import ModelState

from oauth.conf import conf

Row = TypeVar("Row", bound=models.Model)
# psycopg takes values of these fields as they are.
_PLAIN = (
    models.CharField, models.TextField, models.UUIDField, models.DateTimeField, models.BinaryField,
    models.BooleanField, models.PositiveIntegerField, models.ForeignKey,
)  # fmt: skip


class Columns(Generic[Row]):
    """Columns of a model in a SELECT under an alias, and the instance made from a row of it.

    These are all columns, or only the fields that `only` names by attname. Django loads the others when they are used.
    """

    def __init__(self, model: type[Row], alias: str, *, only: Collection[str] = ()) -> None:
        fields = [field for field in model._meta.concrete_fields if not only or field.attname in only]
        self._model = model
        self._names = [field.attname for field in fields]
        self._json = [number for number, field in enumerate(fields) if isinstance(field, JSONField)]
        self.sql = ", ".join(f'{alias}."{field.column}"' for field in fields)
        self.count = len(fields)

    def instance(self, row: Sequence[Any]) -> Row:
        values = list(row)
        for number in self._json:
            if values[number] is not None:
                values[number] = json.loads(values[number])
        if not conf.FAST_PATH:
            return self._model.from_db(DEFAULT_DB_ALIAS, self._names, values)
        return _instance(self._model, zip(self._names, values, strict=True), is_stored=True)


def new_instance(model: type[Row], values: Iterable[tuple[str, Any]]) -> Row:
    """An unsaved instance. `values` are those of all columns, by attname."""
    return _instance(model, values, is_stored=False) if conf.FAST_PATH else model(**dict(values))


def with_defaults(model: type[Row], related: Mapping[str, models.Model], values: Mapping[str, Any]) -> Row:
    """`model(**related, **values)`: unsaved, and with the defaults of all other columns. `values` are by attname."""
    if not conf.FAST_PATH:
        return model(**related, **values)
    given = dict(values) | {f"{name}_id": other.pk for name, other in related.items()}
    row = _instance(model, given.items(), is_stored=False)
    vars(row).update((name, default()) for name, default in _defaults(model) if name not in given)
    row._state.fields_cache.update(related)
    return row


@cache
def _defaults(model: type[models.Model]) -> list[tuple[str, Callable[[], Any]]]:
    return [(field.attname, field.get_default) for field in model._meta.concrete_fields]


def _instance(model: type[Row], values: Iterable[tuple[str, Any]], *, is_stored: bool) -> Row:
    row = model.__new__(model)
    row._state = ModelState()
    if is_stored:
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    vars(row).update(values)
    return row


class Values(Generic[Row]):
    """The columns of a new row and its typed values, for an INSERT ... SELECT. PostgreSQL itself assigns identity
    columns, and the columns of the fields `by_database`."""

    def __init__(self, model: type[Row], *, by_database: Collection[str] = ()) -> None:
        fields = [
            field
            for field in model._meta.concrete_fields
            if not isinstance(field, models.AutoField) and field.attname not in by_database
        ]
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


def _is_plain(field: Any) -> bool:
    return type(field) in _PLAIN and not getattr(field, "auto_now", False) and not getattr(field, "auto_now_add", False)


def _type(field: Any) -> str:
    """The type of the column without its length, because a cast truncates a value that is too long, while an assignment
    refuses it.
    """
    return re.sub(r"\(\d+\)", "", field.db_type(connections[DEFAULT_DB_ALIAS]))
