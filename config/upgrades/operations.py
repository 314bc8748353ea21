"""Judges each operation of a migration by its class and by the field before and after it.

PostgreSQL: ALTER TABLE §Notes, "Lock Levels" of §13.3, CREATE INDEX §Building Indexes Concurrently.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import connection
from django.db.migrations import operations as of_django
from django.db.migrations.operations.base import Operation
from django.db.models import Field, GeneratedField

from config.upgrades.statements import judge_sql
from config.upgrades.verdict import Finding, Verdict

SAFE, SLOW, UNKNOWN, LOCKS, BREAKS = Verdict
_NO_CHANGE_OF_THE_DATABASE = (
    of_django.AlterModelOptions,
    of_django.AlterModelManagers,
    of_django.AlterOrderWithRespectTo,
)
_GONE = (
    of_django.DeleteModel, of_django.RenameModel, of_django.RenameField, of_django.RemoveField,
    of_django.AlterModelTable, of_django.AlterUniqueTogether,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Around:
    """What an operation changes: its table and, if it changes a field, the field before and after."""

    table: str
    old: "Field[Any, Any] | None" = None
    new: "Field[Any, Any] | None" = None


@singledispatch
def judge(operation: Operation, around: Around) -> Iterator[Finding]:
    yield Finding(UNKNOWN, "", f"{type(operation).__name__}: nobody has judged this kind of operation")


def _of(*kinds: type[Operation]) -> Callable[[Any], Any]:
    """Registers one function for several classes."""

    def register(function: Any) -> Any:
        for kind in kinds:
            judge.register(kind)(function)
        return function

    return register


@_of(*_NO_CHANGE_OF_THE_DATABASE)
def _nothing(operation: Operation, around: Around) -> Iterator[Finding]:
    yield Finding(SAFE, "", operation.describe())


@_of(of_django.CreateModel)
def _new_table(operation: of_django.CreateModel, around: Around) -> Iterator[Finding]:
    yield Finding(SAFE, around.table, f"new table {around.table}")


@_of(*_GONE)
def _gone(operation: Any, around: Around) -> Iterator[Finding]:
    yield Finding(BREAKS, "", f"{operation.describe()}: the previous release uses it")


@_of(of_django.AddField)
def _new_column(operation: of_django.AddField, around: Around) -> Iterator[Finding]:
    table = around.table
    field: Any = around.new
    what = f"new column {table}.{field.column}"
    if field.column is None or field.many_to_many:
        yield Finding(SAFE, table, f"new relation {field.name}")
    elif isinstance(field, GeneratedField):
        yield Finding(LOCKS, table, f"{what} is computed: the whole table is rewritten")
    elif not field.null and not field.has_db_default():
        yield Finding(BREAKS, table, f"{what} is NOT NULL without db_default: INSERT of the previous release fails")
    elif field.unique or field.db_index:
        yield Finding(LOCKS, table, f"{what} comes with an index: writes wait while it is built")
    elif field.remote_field and field.db_constraint:
        yield Finding(SLOW, table, f"{what} with a foreign key: a scan that blocks writes to both tables")
    else:
        yield Finding(SAFE, table, what)


@_of(of_django.AlterField)
def _other_column(operation: of_django.AlterField, around: Around) -> Iterator[Finding]:
    table = around.table
    old: Any = around.old
    new: Any = around.new
    what = f"{table}.{new.column}"
    if _stored(old) == _stored(new):
        yield Finding(SAFE, table, f"{what}: only in the code")
        return
    if old.column != new.column:
        yield Finding(BREAKS, table, f"{what} has another name than {old.column}, which the previous release uses")
    if old.null and not new.null:
        yield Finding(BREAKS, table, f"{what} becomes NOT NULL, where the previous release writes NULL")
    if not new.null and old.has_db_default() and not new.has_db_default():
        yield Finding(BREAKS, table, f"{what} loses its db_default")
    if _type(old) != _type(new):
        if _is_wider(old, new):
            yield Finding(SAFE, table, f"{what} becomes {_type(new)}")
        else:
            yield Finding(LOCKS, table, f"{what} becomes {_type(new)}: the whole table is rewritten")
    if (new.unique and not old.unique) or (new.db_index and not old.db_index):
        yield Finding(LOCKS, table, f"{what} gets an index: writes wait while it is built")


@_of(of_django.AddIndex)
def _index(operation: of_django.AddIndex, around: Around) -> Iterator[Finding]:
    yield Finding(
        LOCKS, around.table,
        f"index {operation.index.name}, not built concurrently: writes wait",
    )  # fmt: skip


@_of(AddIndexConcurrently, ValidateConstraint)
def _beside_others(operation: Any, around: Around) -> Iterator[Finding]:
    yield Finding(SLOW, around.table, operation.describe())


@_of(
    AddConstraintNotValid,
    RemoveIndexConcurrently,
    of_django.RemoveConstraint,
    of_django.RemoveIndex,
    of_django.RenameIndex,
)
def _short(operation: Any, around: Around) -> Iterator[Finding]:
    yield Finding(SAFE, around.table, operation.describe())


@_of(of_django.AddConstraint)
def _constraint(operation: of_django.AddConstraint, around: Around) -> Iterator[Finding]:
    yield Finding(
        LOCKS, around.table, f"constraint {operation.constraint.name}, not added as NOT VALID: all wait for a scan"
    )


@_of(of_django.RunSQL)
def _sql(operation: of_django.RunSQL, around: Around) -> Iterator[Finding]:
    parts = [operation.sql] if isinstance(operation.sql, str) else operation.sql
    for part in parts:
        yield from judge_sql(part if isinstance(part, str) else part[0])


@_of(of_django.RunPython)
def _code(operation: of_django.RunPython, around: Around) -> Iterator[Finding]:
    name = getattr(operation.code, "__name__", "code")
    yield Finding(UNKNOWN, "", f"runs {name}()")


def _stored(field: "Field[Any, Any]") -> tuple[Any, ...]:
    """The properties of the field that are in the database, as in
    BaseDatabaseSchemaEditor._field_should_be_altered().
    """
    _, path, arguments, options = field.deconstruct()
    kept = {name: value for name, value in options.items() if name not in field.non_db_attrs}
    return path, arguments, kept, field.column


def _type(field: "Field[Any, Any]") -> str:
    """For a foreign key, returns the model: the field is not bound, so its own type is not known."""
    if field.remote_field:
        return f"that of {field.remote_field.model}".lower()
    return str(field.db_type(connection))


def _is_wider(old: "Field[Any, Any]", new: "Field[Any, Any]") -> bool:
    """A longer varchar, or text: PostgreSQL changes only the catalog."""
    kinds = _type(old).partition("(")[0], _type(new).partition("(")[0]
    if kinds == ("varchar", "varchar"):
        return (new.max_length or 0) >= (old.max_length or 0)
    return kinds == ("varchar", "text")
