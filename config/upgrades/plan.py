"""The pending migrations, each with its effect on a running site."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.migrations import CreateModel, Migration, SeparateDatabaseAndState
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Field

from config.upgrades.known import KNOWN
from config.upgrades.operations import Around, judge
from config.upgrades.verdict import Finding, Verdict

#: Below this number of rows, an operation whose time depends on the rows takes less than a second.
FEW_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Step:
    migration: Migration
    findings: tuple[Finding, ...]
    #: The note of the migration's author, which replaces the findings.
    known: Finding | None

    @property
    def name(self) -> str:
        return f"{self.migration.app_label}.{self.migration.name}"

    @property
    def verdict(self) -> Verdict:
        return self.known.verdict if self.known else max((one.verdict for one in self.findings), default=Verdict.SAFE)


def pending(executor: MigrationExecutor) -> list[Migration]:
    return [migration for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]


#: The assumed size of a row of a table without statistics. It is close to the smallest possible size, so that a table
#: that has not been analyzed yet, as after a restore, does not count as small.
_BYTES_OF_A_ROW = 50
# Autovacuum analyzes the partitions, but not the partitioned table itself, so the rows of the partitions are added up.
_ROWS = """
SELECT one.relname, (
         SELECT coalesce(sum(CASE WHEN part.reltuples < 0 THEN pg_relation_size(part.oid) / %s
                             ELSE part.reltuples END), 0)::bigint
           FROM pg_class AS part
          WHERE part.oid = one.oid AND part.relkind <> 'p'
             OR part.oid IN (SELECT relid FROM pg_partition_tree(one.oid) WHERE isleaf))
  FROM pg_class AS one
 WHERE one.relnamespace = 'public'::regnamespace AND one.relname = ANY(%s)"""


def steps(migrations: Iterable[Migration], executor: MigrationExecutor) -> Iterator[Step]:
    """`migrations` in the order in which they run."""
    migrations = list(migrations)
    own = {(one.app_label, one.name) for one in migrations}
    applied = [node for node in executor.loader.applied_migrations if node in executor.loader.graph.nodes]
    before = executor.loader.project_state([node for node in applied if node not in own])
    new_tables: set[str] = set()
    for migration in migrations:
        findings = tuple(_findings(migration, before, new_tables))
        yield Step(migration, findings, KNOWN.get(f"{migration.app_label}.{migration.name}"))


def rows(tables: Iterable[str]) -> dict[str, int]:
    """The estimate of the database's statistics; 0 for a table that does not exist yet."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [_BYTES_OF_A_ROW, list(tables)])
        return dict(cursor.fetchall())


def _findings(migration: Migration, state: ProjectState, new_tables: set[str]) -> Iterator[Finding]:
    """Also applies the migration to `state`. Changes of a table that is new in this upgrade affect nobody."""
    for operation in migration.operations:
        for one, around in _around(operation, migration.app_label, state):
            for finding in judge(one, around):
                if isinstance(one, CreateModel):
                    new_tables.add(finding.table)
                yield Finding(Verdict.SAFE, finding.table, finding.what) if finding.table in new_tables else finding


def _around(operation: Operation, label: str, state: ProjectState) -> Iterator[tuple[Operation, Around]]:
    """Yields the operations that change the database, each with the table and field that it changes. Also applies the
    operation to `state`.
    """
    if isinstance(operation, SeparateDatabaseAndState):
        for one in operation.database_operations:
            yield from _around(one, label, state.clone())
        operation.state_forwards(label, state)
        return
    model = getattr(operation, "model_name", "") or getattr(operation, "name", "") or ""
    key, name = (label, model.lower()), getattr(operation, "name", "")
    table, old = _table(state, key), _field(state, key, name)
    operation.state_forwards(label, state)
    yield operation, Around(table or _table(state, key), old, _field(state, key, name))


def _table(state: ProjectState, key: tuple[str, str]) -> str:
    model = state.models.get(key)
    return str(model.options.get("db_table") or "_".join(key)) if model else ""


def _field(state: ProjectState, key: tuple[str, str], name: str) -> "Field[Any, Any] | None":
    """A copy that knows its column."""
    model = state.models.get(key)
    if model is None or name not in model.fields:
        return None
    field: Field[Any, Any] = model.fields[name].clone()
    field.set_attributes_from_name(name)
    return field
