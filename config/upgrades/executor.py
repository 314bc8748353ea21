"""Runs migrations as Django does, but renders a tenth of the model classes.

After each operation, Django renders the class of the changed model and the classes of its neighbours: models up to two
relations away, or every model reachable by relations if the operation changes a relation or adds a model. This takes
most of the CPU time of migrating an empty database: 19,000 classes for 107 models.

An operation is *plain* if everything it does to the database follows from the class of its own model, and from the
names and keys of the tables that this model refers to, which no plain operation changes. During a migration that has
only plain operations, the classes of neighbours are kept. All other migrations run as Django runs them, and before the
first operation all classes are rendered, exactly as if `migrate` were started for this migration.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db.migrations import Migration, operations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.utils import get_references
from django.db.models import Field, ForeignKey, ManyToManyField, OneToOneField

Key = tuple[str, str]

#: Each of these changes an option of one model, or a constraint or index of its table.
_OF_ONE_TABLE = frozenset((
    operations.AddConstraint, operations.RemoveConstraint, operations.AddIndex, operations.RemoveIndex,
    operations.AlterUniqueTogether, AddConstraintNotValid, ValidateConstraint, AddIndexConcurrently,
    RemoveIndexConcurrently,
))  # fmt: skip


class FrugalExecutor(MigrationExecutor):
    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        apply: Callable[..., ProjectState] = super().apply_migration
        if fake or fake_initial:
            return apply(state, migration, fake=fake, fake_initial=fake_initial)
        if is_plain(migration, state):
            with neighbours_kept():
                return apply(state, migration)
        renew(state)
        return apply(state, migration)


def renew(state: ProjectState) -> None:
    """Renders all classes if some of them may refer to older ones."""
    if state.is_delayed:
        state.clear_delayed_apps_cache()
        assert state.apps  # rendered on access


def is_plain(migration: Migration, state: ProjectState) -> bool:
    """`state` is the state before the migration, and is not changed."""
    return type(migration).apply is Migration.apply and _are_plain(
        migration.operations, migration.app_label, _trial(state)
    )


def _trial(state: ProjectState) -> ProjectState:
    """A copy without classes."""
    return ProjectState({key: model.clone() for key, model in state.models.items()}, state.real_apps)


def _are_plain(some: Sequence[Operation], app_label: str, trial: ProjectState) -> bool:
    """Applies the plain operations to `trial`, up to the first one that is not plain."""
    for operation in some:
        if not _is_plain(operation, app_label, trial):
            return False
        operation.state_forwards(app_label, trial)
    return True


def _is_plain(operation: Operation, app_label: str, state: ProjectState) -> bool:
    """Compares exact types, because a subclass may do anything."""
    kind, one = type(operation), cast("Any", operation)
    if kind is operations.RunPython:
        return True  # RunPython renders all classes before its code runs
    if isinstance(one, operations.RunSQL):
        return _only_runs_sql(kind) and not one.state_operations
    if kind is operations.SeparateDatabaseAndState:
        return all(
            _are_plain(some, app_label, _trial(state)) for some in (one.database_operations, one.state_operations)
        )
    if kind is operations.CreateModel:
        return _is_plain_model(one, (app_label, one.name_lower), state)
    key = (app_label, str(getattr(one, "model_name", None) or getattr(one, "name", "")).lower())
    if key not in state.models or not all(model.options.get("proxy") for model in heirs(state, key)):
        return False
    if kind is operations.AddField:
        return _is_plain_field(one.name, one.field, key, state, new=True)
    if kind in {operations.AlterField, operations.RemoveField}:
        if one.name not in state.models[key].fields:
            return False  # Django raises the error
        changed = [state.models[key].fields[one.name], *([one.field] if kind is operations.AlterField else [])]
        return all(_is_plain_field(one.name, field, key, state) for field in changed)
    return kind in _OF_ONE_TABLE or (kind is operations.AlterModelOptions and "managed" not in one.options)


def _only_runs_sql(kind: type[Any]) -> bool:
    own = operations.RunSQL
    return kind.state_forwards is own.state_forwards and kind.database_forwards is own.database_forwards


def _is_plain_model(operation: operations.CreateModel, key: Key, state: ProjectState) -> bool:
    return (
        not any(isinstance(base, str) or hasattr(base, "_meta") for base in operation.bases or ())
        and not {"proxy", "order_with_respect_to"} & operation.options.keys()
        and all(_is_known(field, new=True) for _, field in operation.fields)
        and next(get_references(state, key), None) is None
    )


def _is_plain_field(name: str, field: "Field[Any, Any]", key: Key, state: ProjectState, *, new: bool = False) -> bool:
    """Whether no foreign key of another table depends on the type or the column of this field."""
    references = get_references(state, key, (name, field))
    return (
        _is_known(field, new=new)
        and not field.primary_key
        # Django counts a many-to-many field as a reference to every field of the model. It refers only to the key.
        and all(other.many_to_many and not reference.through for _, _, other, reference in references)
    )


def _is_known(field: "Field[Any, Any]", *, new: bool) -> bool:
    """A many-to-many field that is removed or altered also changes the class of its table, so it is not plain."""
    return not field.is_relation or type(field) in {ForeignKey, OneToOneField, *([ManyToManyField] if new else [])}


def heirs(state: ProjectState, key: Key) -> Iterator[ModelState]:
    """The models whose classes inherit from the class of `key`, so that they must be rendered together."""
    for model in state.models.values():
        if ".".join(key) in [base.lower() for base in model.bases if isinstance(base, str)]:
            yield model
            yield from heirs(state, (model.app_label, model.name_lower))


@contextmanager
def neighbours_kept() -> Iterator[None]:
    find = ProjectState._find_reload_model  # type: ignore[attr-defined]  # Django has no setting for it

    def itself(state: ProjectState, app_label: str, model_name: str, delay: bool = False) -> set[Key]:
        state.is_delayed = True  # so that RunPython renders all classes
        return {(app_label, model_name)} | {
            (model.app_label, model.name_lower) for model in heirs(state, (app_label, model_name))
        }

    ProjectState._find_reload_model = itself  # type: ignore[attr-defined]
    try:
        yield
    finally:
        ProjectState._find_reload_model = find  # type: ignore[attr-defined]
