"""`migrate` renders a tenth of the classes that Django renders, and sends the same statements to the database."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.conf import settings as of_site
from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.core.management import call_command
from django.db import connection, models, transaction
from django.db.migrations import Migration, operations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState

from config.upgrades.executor import FrugalExecutor, is_plain, renew

pytestmark = pytest.mark.django_db

Steps = Sequence[Sequence[Operation]]
Seen = list[list[tuple[str, ...]]]


def _shops() -> list[Operation]:
    """Creates a shop, orders that refer to its key and to its code, tags of orders, and a proxy model."""
    return [
        operations.CreateModel("Shop", [("id", _key()), ("code", models.CharField(max_length=5, unique=True))]),
        operations.CreateModel(
            "Order",
            [("id", _key()), ("shop", _to("Shop")), ("by_code", _to("Shop", to_field="code", related_name="+"))],
        ),
        operations.CreateModel("Tag", [("id", _key()), ("orders", models.ManyToManyField("shops.Order"))]),
        operations.CreateModel("Kiosk", [], bases=("shops.Shop",), options={"proxy": True}),
    ]


def _key() -> "models.AutoField[Any, Any]":
    return models.AutoField(primary_key=True)


def _to(model: str, **options: Any) -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(f"shops.{model}", models.CASCADE, **{"null": True, **options})


def _text(length: int = 10, **options: Any) -> "models.CharField[Any, Any]":
    return models.CharField(max_length=length, default="", **options)


def _look() -> operations.RunPython:
    """Python code that follows relations in both directions and remembers the classes."""

    def code(apps: Any, editor: Any) -> None:
        for model in sorted(apps.get_models(include_auto_created=True), key=lambda model: model._meta.label):
            for field in model._meta.get_fields(include_hidden=True):
                if field.is_relation:
                    assert field.related_model is apps.get_model(field.related_model._meta.label)
            if model._meta.app_label == "shops":
                list(model.objects.all())
        _SEEN.append(_described(apps))

    return operations.RunPython(code)


_SEEN: Seen = []


def _described(apps: Any) -> list[tuple[str, ...]]:
    """Returns the table, the fields in both directions and the columns of each class."""

    def one(model: Any) -> tuple[str, ...]:
        names = sorted(field.name for field in model._meta.get_fields(include_hidden=True))
        columns = [f"{field.column} {field.db_type(connection)}" for field in model._meta.local_fields]
        return (model._meta.label, model._meta.db_table, *names, *columns)

    return sorted(one(model) for model in apps.get_models(include_auto_created=True))


_USER = of_site.AUTH_USER_MODEL
_POSITIVE = models.CheckConstraint(condition=models.Q(id__gt=0), name="positive")
# Each is a list of migrations that run after `_shops()`.
SEQUENCES: dict[str, Callable[[], Steps]] = {
    "columns": lambda: [
        [operations.AddField("Shop", "name", _text()), operations.AlterField("Shop", "name", _text(20, db_index=True))],
        [operations.AddIndex("Shop", models.Index(fields=["name"], name="by_name")), _look()],
        [operations.RemoveField("Shop", "name")],
    ],
    "a relation": lambda: [
        [operations.AddField("Shop", "last", _to("Order", related_name="+"))],
        [_look(), operations.AlterField("Shop", "last", _to("Tag", related_name="last_of")), _look()],
        [operations.RemoveField("Shop", "last")],
    ],
    "key that others refer to": lambda: [
        [operations.AddField("Shop", "name", _text())],
        [operations.AlterField("Shop", "id", models.BigAutoField(primary_key=True))],
        [operations.AddField("Tag", "shop", _to("Shop"))],
    ],
    "key through a key": lambda: [
        [
            operations.CreateModel("Till", [("shop", models.OneToOneField("shops.Shop", models.CASCADE, primary_key=True))]),
            operations.CreateModel("Drawer", [("id", _key()), ("till", _to("Till"))]),
        ],
        [operations.AddField("Tag", "till", _to("Till"))],
        [operations.AlterField("Shop", "id", models.BigAutoField(primary_key=True))],
        [operations.AddField("Order", "till", _to("Till"))],
    ],
    "column that others refer to": lambda: [
        [operations.AddField("Order", "name", _text())],
        [operations.AlterField("Shop", "code", models.CharField(max_length=9, unique=True))],
        [operations.RenameField("Shop", "code", "number"), operations.AddField("Tag", "code", _to("Shop", to_field="number"))],
    ],
    "names": lambda: [
        [operations.DeleteModel("Kiosk")],  # RenameModel does not rename the bases of proxies
        [operations.AddField("Order", "name", _text()), operations.RenameModel("Shop", "Store")],
        [operations.AddField("Tag", "store", _to("Store"))],
        [operations.AlterModelTable("Store", "renamed")],
        [operations.AddField("Tag", "other", _to("Store", related_name="+")), _look()],
    ],
    "many to many": lambda: [
        [operations.AddField("Shop", "tags", models.ManyToManyField("shops.Tag"))],
        [operations.AddField("Tag", "name", _text()), operations.AddField("Shop", "name", _text()), _look()],
        [operations.AlterField("Tag", "id", models.BigAutoField(primary_key=True))],
        [operations.RemoveField("Shop", "tags"), _look()],
    ],
    "through a model": lambda: [
        [
            operations.CreateModel("Badge", [("id", _key()), ("shop", _to("Shop")), ("tag", _to("Tag"))]),
            operations.AddField("Shop", "tags", models.ManyToManyField("shops.Tag", through="shops.Badge")),
        ],
        [operations.AlterField("Badge", "tag", _to("Tag", null=False))],
        [operations.AddField("Badge", "name", _text()), _look()],
    ],
    "heirs": lambda: [
        [operations.CreateModel("Chain", [("size", models.IntegerField(default=1))], bases=("shops.Shop",))],
        [operations.AddField("Shop", "name", _text()), _look()],
        [operations.AddField("Order", "kiosk", _to("Kiosk", related_name="+")), operations.AddField("Chain", "text", _text())],
        [_look()],
    ],
    "user of the site": lambda: [
        [operations.AddField("Order", "buyer", models.ForeignKey(_USER, models.CASCADE, null=True))],
        [operations.AlterField("Order", "buyer", models.ForeignKey(_USER, models.CASCADE, null=True, related_name="+"))],
        [_look()],
    ],
    "constraints": lambda: [
        [AddConstraintNotValid("Shop", _POSITIVE)],
        [ValidateConstraint("Shop", "positive")],
        [operations.AlterUniqueTogether("Order", {("shop", "by_code")}), _look()],
        [operations.RemoveConstraint("Shop", "positive"), operations.AlterModelOptions("Shop", {"ordering": ["code"]})],
    ],
    "state alone": lambda: [
        [
            operations.SeparateDatabaseAndState(
                [operations.RunSQL("ALTER TABLE shops_shop ADD COLUMN place text")],
                [operations.AddField("Shop", "place", models.TextField(null=True))],
            )
        ],
        [operations.AddField("Shop", "last", _to("Order", related_name="+")), _look()],
    ],
    "an end": lambda: [
        [operations.AddField("Shop", "name", _text())],
        [operations.DeleteModel("Kiosk"), operations.DeleteModel("Tag")],
        [operations.AddField("Shop", "last", _to("Order", related_name="+")), _look()],
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", SEQUENCES)
def test_the_statements_are_those_of_django(name: str) -> None:
    assert _run(FrugalExecutor, SEQUENCES[name]()) == _run(MigrationExecutor, SEQUENCES[name]())


def _run(
    executor: type[MigrationExecutor], steps: Steps
) -> tuple[list[str], Seen, ProjectState, list[tuple[str, ...]]]:
    """Returns the statements, what the Python code of the migrations saw, and the final state and classes."""
    statements: list[str] = []

    def note(execute: Any, statement: Any, params: Any, many: bool, context: Any) -> Any:
        if "django_migrations" not in str(statement) and "SAVEPOINT" not in str(statement):
            statements.append(f"{statement} {params}")
        return execute(statement, params, many, context)

    runner, state = executor(connection), ProjectState()
    label, user = _USER.split(".")
    state.add_model(ModelState(label, user, [("id", models.UUIDField(primary_key=True))]))
    assert state.apps
    _SEEN.clear()
    with transaction.atomic(), connection.execute_wrapper(note):
        for number, step in enumerate([_shops(), *steps]):
            state = runner.apply_migration(state, _migration(*step, name=str(number)))
        transaction.set_rollback(True)
    state.is_delayed = True
    renew(state)
    return statements, list(_SEEN), state, _described(state.apps)


def _migration(*steps: Operation, name: str = "changed") -> Migration:
    migration = Migration(name, "shops")
    migration.operations = list(steps)
    return migration


class _OwnField(operations.AddField):
    """A subclass in another package."""


class _OwnMigration(Migration):
    def apply(self, *arguments: Any, **options: Any) -> Any:
        return super().apply(*arguments, **options)


@pytest.mark.parametrize(
    ("operation", "plain"),
    [
        (operations.AddField("Order", "name", _text()), True),
        (operations.AddField("Order", "last", _to("Tag")), True),
        (operations.AlterField("Order", "shop", _to("Shop", null=False)), True),
        (operations.RunSQL("SELECT 1"), True),
        (operations.RunSQL("SELECT 1", state_operations=[operations.DeleteModel("Tag")]), False),
        (operations.AlterField("Order", "id", models.BigAutoField(primary_key=True)), False),
        (operations.AlterField("Shop", "code", models.CharField(max_length=9, unique=True)), False),
        (operations.AlterField("Tag", "orders", models.ManyToManyField("shops.Order", blank=True)), False),
        (operations.RemoveField("Tag", "orders"), False),
        (operations.RenameField("Order", "shop", "store"), False),
        (operations.RenameModel("Order", "Sale"), False),
        (operations.AlterModelTable("Order", "sales"), False),
        (operations.AlterModelManagers("Order", [("objects", models.Manager())]), False),
        (operations.AlterModelOptions("Order", {"managed": False}), False),
        (operations.AlterOrderWithRespectTo("Order", "shop"), False),
        (operations.DeleteModel("Kiosk"), False),
        (operations.CreateModel("Chain", [], bases=("shops.Shop",)), False),
        (_OwnField("Order", "name", _text()), False),
    ],
    ids=lambda value: value.describe() if isinstance(value, Operation) else "",
)
def test_only_operations_that_are_certainly_plain_are_plain(operation: Operation, plain: bool) -> None:
    state = _state()
    before = state.clone()
    assert is_plain(_migration(operation), state) is plain
    assert state == before


def test_a_migration_that_overrides_apply_is_not_plain() -> None:
    assert not is_plain(_OwnMigration("changed", "shops"), _state())


def _state() -> ProjectState:
    state = ProjectState()
    for operation in _shops():
        operation.state_forwards("shops", state)
    return state


class TestClasses:
    def test_a_plain_operation_renders_one(self) -> None:
        state = _state()
        before = {model._meta.label: model for model in state.apps.get_models()}
        state = _apply(state, operations.AddField("Order", "last", _to("Tag", related_name="+")))
        after = {model._meta.label: model for model in state.apps.get_models()}
        assert {label for label in after if after[label] is not before[label]} == {"shops.Order"}
        assert after["shops.Order"]._meta.get_field("last").related_model is before["shops.Tag"]

    def test_proxies_are_rendered_too(self) -> None:
        state = _state()
        order = state.apps.get_model("shops", "Order")
        state = _apply(state, operations.AddField("Shop", "name", _text()))
        assert issubclass(state.apps.get_model("shops", "Kiosk"), state.apps.get_model("shops", "Shop"))
        assert state.apps.get_model("shops", "Order") is order

    def test_all_are_rendered_before_an_uncertain_operation(self) -> None:
        state = _apply(_state(), operations.AddField("Shop", "name", _text()))
        tag = state.apps.get_model("shops", "Tag")
        state = _apply(state, operations.AlterModelManagers("Order", [("objects", models.Manager())]))
        assert state.apps.get_model("shops", "Tag") is not tag

    def test_fake_runs_as_django_runs_it(self) -> None:
        state = _state()
        with transaction.atomic():
            FrugalExecutor(connection).apply_migration(state, _migration(operations.DeleteModel("Tag")), fake=True)
            transaction.set_rollback(True)
        assert not state.is_delayed


def _apply(state: ProjectState, operation: Operation) -> ProjectState:
    """Applies it to the state only, not to the database."""
    migration = _migration(operations.SeparateDatabaseAndState([], [operation]))
    assert state.apps
    with transaction.atomic():
        state = FrugalExecutor(connection).apply_migration(state, migration)
        transaction.set_rollback(True)
    return state


@pytest.mark.parametrize(("switch", "used"), [(True, FrugalExecutor), (False, MigrationExecutor)])
@pytest.mark.django_db(transaction=True)
def test_the_switch(switch: bool, used: type, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.management.commands import migrate

    settings.FAST_PATH = switch
    ran: list[type] = []
    monkeypatch.setattr(MigrationExecutor, "migrate", lambda self, *_, **__: ran.append(type(self)) or ProjectState())
    call_command("migrate", verbosity=0, interactive=False)
    assert ran == [used]
    assert migrate.MigrationExecutor is MigrationExecutor
