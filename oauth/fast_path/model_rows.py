"""Creates model instances from rows of hand-written SQL, and the values of an instance for an INSERT.

This avoids the cost of `Model.__init__` (two loops over the fields, two signals) and of `Model.save` (a compiled
statement, two signals).
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from inspect import getattr_static
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models import JSONField, signals
from django.db.models.base import ModelState
from django.db.models.expressions import Col
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query_utils import DeferredAttribute

from oauth.conf import conf

Row = TypeVar("Row", bound=models.Model)
# psycopg adapts values of these fields without conversion by Django.
_PLAIN = (
    models.CharField, models.TextField, models.UUIDField, models.DateTimeField, models.BinaryField,
    models.BooleanField, models.PositiveIntegerField, models.ForeignKey,
)  # fmt: skip


def source(model: type[models.Model], alias: str) -> str:
    """The table of a model for FROM or JOIN, with an alias. With multi-table inheritance, a subquery that joins the
    tables of the model's parents.
    """
    parents = _joined_parents(model)
    if not parents:
        return f"{table(model)} {alias}"
    columns = ", ".join(f'{table(field.model)}."{field.column}"' for field in model._meta.concrete_fields)
    return f"(SELECT {columns} FROM {table(model)}{parents}) {alias}"  # noqa: S608 (names of tables and columns)


def table(model: type[models.Model]) -> str:
    """The quoted table name, because a custom user model may have any `db_table`."""
    return connections[DEFAULT_DB_ALIAS].ops.quote_name(model._meta.db_table)


def _joined_parents(model: type[models.Model]) -> str:
    joins = ""
    for parent, link in model._meta.parents.items():
        if link is not None:  # a proxy has the table of its parent
            key = f'{table(parent)}."{parent._meta.pk.column}"'
            joins += f' JOIN {table(parent)} ON {key} = {table(model)}."{link.column}"'
        joins += _joined_parents(parent)
    return joins


class Columns(Generic[Row]):
    """The columns of a model for a SELECT with an alias, and instances of its rows.

    With `only`, a tuple of attnames, the instances defer all other fields. A custom user model may need more than
    values in `__dict__`; then Django makes the instances.
    """

    def __init__(self, model: type[Row], alias: str, *, only: Collection[str] = ()) -> None:
        fields = [field for field in model._meta.concrete_fields if not only or field.attname in only]
        self._model = model
        self._names = [field.attname for field in fields]
        self._json = [number for number, field in enumerate(fields) if _is_plain_json(field)]
        self._converters = [
            (number, field.from_db_value, Col(alias, field))
            for number, field in enumerate(fields)
            if hasattr(field, "from_db_value") and not _is_plain_json(field)
        ]
        self._needs_django = _needs_django(model)
        self.sql = ", ".join(f'{alias}."{field.column}"' for field in fields)
        self.count = len(fields)

    def instance(self, row: Sequence[Any]) -> Row:
        values = list(row)
        for number in self._json:
            if values[number] is not None:
                values[number] = json.loads(values[number])
        for number, converter, column in self._converters:
            values[number] = converter(values[number], column, connections[DEFAULT_DB_ALIAS])
        if self._needs_django or not conf.FAST_PATH:
            return self._model.from_db(DEFAULT_DB_ALIAS, self._names, values)
        return _instance(self._model, zip(self._names, values, strict=True), is_stored=True)


def _is_plain_json(field: Any) -> bool:
    return type(field) is JSONField and field.decoder is None


def _needs_django(model: type[models.Model]) -> bool:
    """Whether the class runs code when an instance is created or an attribute is set, for example fields of
    django-phonenumber-field or change trackers.
    """
    plain = (DeferredAttribute, ForeignKeyDeferredAttribute)
    return (
        model.__init__ is not models.Model.__init__
        or model.from_db.__func__ is not models.Model.from_db.__func__  # type: ignore[attr-defined]  # a class method
        or any(type(getattr_static(model, field.attname)) not in plain for field in model._meta.concrete_fields)
        or signals.pre_init.has_listeners(model)
        or signals.post_init.has_listeners(model)
    )


def new_instance(model: type[Row], values: Iterable[tuple[str, Any]]) -> Row:
    """An unsaved instance. `values` has all columns by attname."""
    return _instance(model, values, is_stored=False) if conf.FAST_PATH else model(**dict(values))


def with_defaults(model: type[Row], related: Mapping[str, models.Model], values: Mapping[str, Any]) -> Row:
    """An unsaved `model(**related, **values)`. `values` are by attname; all other columns get their defaults."""
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
    """The columns and typed placeholders of a new row, for INSERT ... SELECT. PostgreSQL assigns identity columns and
    the columns of the fields `by_database`.
    """

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
    """The column's type without its length, because a cast would truncate too long a value, which an INSERT refuses."""
    return re.sub(r"\(\d+\)", "", field.db_type(connections[DEFAULT_DB_ALIAS]))
