"""Upgrades while the site serves: what migrations may do, what `upgrade_check` says, how `migrate` waits for locks."""

import gc
import io
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.core.management import call_command
from django.db import OperationalError, connection, migrations, models
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ModelState, ProjectState
from django.db.models.functions import Now

from config.upgrades import patience, plan
from config.upgrades.known import KNOWN, RELEASED
from config.upgrades.patience import Patience
from config.upgrades.statements import judge_sql
from config.upgrades.verdict import Finding, Verdict
from tests.lib import servers

SAFE, SLOW, UNKNOWN, LOCKS, BREAKS = Verdict


class _Executor:
    """The executor for a database in which the migrations of the last release have run."""

    def __init__(self) -> None:
        self.loader: Any = MigrationLoader(None)
        self.loader.applied_migrations = {node: None for node in self.order() if node not in self.since()}

    def order(self) -> list[tuple[str, str]]:
        graph = self.loader.graph
        return list(dict.fromkeys(node for leaf in graph.leaf_nodes() for node in graph.forwards_plan(leaf)))

    def since(self) -> list[tuple[str, str]]:
        return [(app, name) for app, name in self.order() if app in RELEASED and name > RELEASED[app]]


@pytest.fixture(scope="module")
def steps() -> list[plan.Step]:
    executor: Any = _Executor()
    return list(plan.steps([executor.loader.graph.nodes[node] for node in executor.since()], executor))


# --- our own migrations


def test_the_release_before_serves_while_the_migrations_since_it_run(steps: list[plan.Step]) -> None:
    """docs/releasing.md, "N and N-1 run at once". A new migration that locks tables or breaks the last release must be
    rewritten; one that the rules cannot judge gets an entry in config/upgrades/known.py.
    """
    assert steps
    assert [(one.name, one.verdict.name, one.findings) for one in steps if one.verdict > SLOW] == []


def test_what_authors_say_is_about_migrations_that_need_it(steps: list[plan.Step]) -> None:
    judged = {one.name: max(found.verdict for found in one.findings) for one in steps}
    assert [name for name in KNOWN if name not in judged or judged[name] <= SLOW] == []


# --- the rules that judge a migration


def _verdicts(*operations: Any) -> list[Verdict]:
    state = ProjectState()
    options = {"db_table": "thing"}
    fields = [("id", models.BigAutoField(primary_key=True)), ("name", models.CharField(max_length=5, null=True))]
    state.add_model(ModelState("banking", "Thing", fields, options))
    migration = Migration("0001_x", "banking")
    migration.operations = list(operations)
    return [one.verdict for one in plan._findings(migration, state, set())]


@pytest.mark.parametrize(
    ("operation", "verdict"),
    [
        (migrations.AddField("thing", "new", models.IntegerField()), BREAKS),
        (migrations.AddField("thing", "new", models.IntegerField(default=0)), BREAKS),
        (migrations.AddField("thing", "new", models.IntegerField(default=0, db_default=0)), SAFE),
        (migrations.AddField("thing", "new", models.DateTimeField(db_default=Now())), SAFE),
        (migrations.AddField("thing", "new", models.IntegerField(null=True)), SAFE),
        (migrations.AddField("thing", "new", models.IntegerField(null=True, unique=True)), LOCKS),
        (migrations.AddField("thing", "new", models.IntegerField(null=True, db_index=True)), LOCKS),
        (migrations.RemoveField("thing", "name"), BREAKS),
        (migrations.RenameField("thing", "name", "title"), BREAKS),
        (migrations.DeleteModel("thing"), BREAKS),
        (migrations.AlterField("thing", "name", models.CharField(max_length=5, null=True, help_text="x")), SAFE),
        (migrations.AlterField("thing", "name", models.CharField(max_length=9, null=True)), SAFE),
        (migrations.AlterField("thing", "name", models.CharField(max_length=4, null=True)), LOCKS),
        (migrations.AlterField("thing", "name", models.TextField(null=True)), SAFE),
        (migrations.AlterField("thing", "name", models.CharField(max_length=5)), BREAKS),
        (migrations.AddIndex("thing", models.Index(fields=["name"], name="i")), LOCKS),
        (AddIndexConcurrently("thing", models.Index(fields=["name"], name="i")), SLOW),
        (migrations.AddConstraint("thing", models.UniqueConstraint(fields=["name"], name="c")), LOCKS),
        (AddConstraintNotValid("thing", models.CheckConstraint(condition=models.Q(id__gt=0), name="c")), SAFE),
        (migrations.RunSQL("CREATE INDEX CONCURRENTLY i ON thing (name)"), SLOW),
        (migrations.RunPython(migrations.RunPython.noop), UNKNOWN),
    ],
)  # fmt: skip
def test_operations_are_judged(operation: Any, verdict: Verdict) -> None:
    assert _verdicts(operation) == [verdict]


def test_a_constraint_that_is_validated_later_blocks_nobody() -> None:
    rule = models.CheckConstraint(condition=models.Q(id__gt=0), name="c")
    assert _verdicts(AddConstraintNotValid("thing", rule), ValidateConstraint("thing", "c")) == [SAFE, SLOW]


def test_a_table_that_is_new_may_have_any_index() -> None:
    new = migrations.CreateModel("Other", [("id", models.BigAutoField(primary_key=True))], {"db_table": "other"})
    index = migrations.AddIndex("other", models.Index(fields=["id"], name="i"))
    assert _verdicts(new, index) == [SAFE, SAFE]


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        ("ALTER TABLE thing ADD CONSTRAINT c CHECK (id > 0)", LOCKS),
        ("ALTER TABLE thing ADD CONSTRAINT c CHECK (id > 0) NOT VALID", SAFE),
        ("ALTER TABLE thing VALIDATE CONSTRAINT c", SLOW),
        ("ALTER TABLE thing ADD COLUMN x int NOT NULL", BREAKS),
        ("ALTER TABLE thing ADD COLUMN x int NOT NULL DEFAULT 0", SAFE),
        ("ALTER TABLE thing DROP COLUMN x", BREAKS),
        ("ALTER TABLE thing ALTER COLUMN x TYPE bigint", LOCKS),
        ("CREATE UNIQUE INDEX i ON thing (x)", LOCKS),
        ("UPDATE thing SET x = 1", SLOW),
        ("DROP TABLE thing", BREAKS),
        ("VACUUM FULL thing", UNKNOWN),
        ("-- DROP TABLE thing\nCREATE OR REPLACE FUNCTION f() RETURNS void AS $$ DROP TABLE thing; $$ LANGUAGE sql", SAFE),
    ],
)  # fmt: skip
def test_each_statement_gets_its_verdict(statement: str, verdict: Verdict) -> None:
    assert [one.verdict for one in judge_sql(statement)] == [verdict]


# --- the command


@pytest.mark.django_db
class TestUpgradeCheck:
    def run(self, monkeypatch: pytest.MonkeyPatch, *findings: Finding) -> tuple[str, int]:
        migration = Migration("0099_new", "banking")
        monkeypatch.setattr(plan, "pending", lambda _executor: [migration] if findings else [])
        monkeypatch.setattr(plan, "_findings", lambda *_: iter(findings))
        out, code = io.StringIO(), 0
        try:
            call_command("upgrade_check", stdout=out)
        except SystemExit as exit_:
            code = int(str(exit_.code))
        return out.getvalue(), code

    def test_nothing_is_pending_in_a_database_of_this_release(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.run(monkeypatch) == ("Nothing is pending.\n", 0)

    def test_what_breaks_the_servers_that_run_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        text, code = self.run(monkeypatch, Finding(BREAKS, "thing", "column gone"))
        assert "breaks  banking.0099_new\n    column gone" in text
        assert code == 4

    def test_a_lock_counts_by_the_rows_of_its_table(self, monkeypatch: pytest.MonkeyPatch) -> None:
        finding = Finding(LOCKS, "transfer", "index")
        assert self.run(monkeypatch, finding)[1] == 0
        monkeypatch.setattr(plan, "rows", lambda _tables: {"transfer": 10_000_000})
        text, code = self.run(monkeypatch, finding)
        assert "index (10,000,000 rows)" in text
        assert code == 3

    def test_rows_are_those_of_the_database(self) -> None:
        assert plan.rows(["transfer", "no_such_table"]) == {"transfer": plan.rows(["transfer"])["transfer"]}

    @pytest.mark.parametrize("partition", ["", "PARTITION BY RANGE (number)"])
    def test_a_table_that_nobody_has_analyzed_counts_by_its_size(self, partition: str) -> None:
        """As after a restore. Otherwise it would be taken for an empty one, which may be locked."""
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE restored (number bigint) {partition}")
            if partition:
                cursor.execute("CREATE TABLE restored_first PARTITION OF restored DEFAULT")
            cursor.execute("INSERT INTO restored SELECT generate_series(1, 5000)")
        assert 2500 < plan.rows(["restored"])["restored"] < 10_000


# --- migrate


@pytest.fixture
def other(database_url: str) -> Any:
    with psycopg.connect(database_url) as connected:
        yield connected


@pytest.mark.django_db(transaction=True)
class TestMigrate:
    ALTER = "ALTER TABLE oauth_scope ADD COLUMN of_a_test int"

    @pytest.fixture(autouse=True)
    def _without_traces(self) -> Any:
        yield
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE oauth_scope DROP COLUMN IF EXISTS of_a_test")
            cursor.execute("DROP INDEX IF EXISTS index_of_a_test")

    def test_a_statement_waits_shortly_for_a_lock_and_tries_again(
        self, other: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Behind ALTER TABLE, every query of the table would wait."""
        other.execute("SELECT 1 FROM oauth_scope")  # as a long report does
        pauses = []
        pause = SimpleNamespace(sleep=lambda seconds: (pauses.append(seconds), other.rollback()))
        monkeypatch.setattr(patience, "time", pause)  # patched on this object only, because other threads sleep, too
        with Patience(0.01, attempts=2).during_statements(), connection.cursor() as cursor:
            cursor.execute(self.ALTER)
        assert pauses == [patience.PAUSE_SECONDS]

    def test_it_gives_up_in_the_end(self, other: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        other.execute("SELECT 1 FROM oauth_scope")
        monkeypatch.setattr(patience, "time", SimpleNamespace(sleep=lambda _seconds: None))
        one = Patience(0.01, attempts=3)
        with (
            pytest.raises(OperationalError, match="lock timeout"), one.during_statements(),
            connection.cursor() as cursor,
        ):  # fmt: skip
            cursor.execute(self.ALTER)
        other.rollback()

    def test_an_index_that_an_interrupted_run_left_is_built_again(self, caplog: pytest.LogCaptureFixture) -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE INDEX index_of_a_test ON oauth_scope (name)")
            cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'index_of_a_test'::regclass")
        with Patience(1, attempts=1).during_statements(), connection.cursor() as cursor:
            cursor.execute('CREATE INDEX CONCURRENTLY IF NOT EXISTS "index_of_a_test" ON oauth_scope (name)')
        with connection.cursor() as cursor:
            cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'index_of_a_test'::regclass")
            assert cursor.fetchone() == (True,)
        assert "interrupted" in caplog.text

    def test_the_settings_of_migrate_end_with_it(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            before = cursor.fetchone()
        thresholds = gc.get_threshold()
        call_command("migrate", verbosity=0, interactive=False)
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            assert cursor.fetchone() == before
        assert gc.get_threshold() == thresholds
        # The server notices a moment later that the connection is closed.
        servers.wait_until(lambda: self._takes(patience._ADVISORY_LOCK))

    def _takes(self, key: int) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s), pg_advisory_unlock(%s)", [key, key])
            is_free: bool = cursor.fetchone()[0]
        return is_free

    def test_a_second_one_waits_for_the_first(self, other: Any) -> None:
        other.execute("SELECT pg_advisory_lock(%s)", [patience._ADVISORY_LOCK])
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        with pytest.raises(OperationalError, match="lock timeout"):
            call_command("migrate", verbosity=0, interactive=False)
        patience._discard()
        other.rollback()


def test_the_executor_of_django_knows_what_is_pending(db: None) -> None:
    assert plan.pending(MigrationExecutor(connection)) == []
