"""The functions that a row of a migration replaces in a database, instead of migrating without the rule."""

from pathlib import Path

import pytest
from django.db import connection

from tests.lib.changed_migration import ChangedMigration
from tests.mutants.mutant import ROOT, Mutant, read

pytestmark = pytest.mark.django_db
ROWS = [row for row in read() if "/migrations/" in row.file and row.file.endswith(".sql")]


def of_row(row: Mutant) -> ChangedMigration:
    pairs = tuple(zip(row.find, row.replace, strict=True))
    return ChangedMigration(Path(row.file), (ROOT / row.file).read_text(), pairs)


def changed(find: str, replace: str = "x", file: str = "payment.sql") -> ChangedMigration:
    path = ROOT / "banking/migrations" / file
    return ChangedMigration(path, path.read_text(), ((find, replace),))


def sources() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT oid::regprocedure::text, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        )
        return dict(cursor.fetchall())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_a_row_changes_only_the_bodies_that_it_names(row: Mutant) -> None:
    """A function keeps its arguments, its settings and its place."""
    before = sources()
    with connection.cursor() as cursor:
        statements = of_row(row).statements(cursor)
        for statement in statements:
            cursor.execute(statement)
    after = sources()
    differ = {name for name in before if before[name] != after[name]}
    assert before.keys() == after.keys()
    assert len(differ) == len(statements)
    for name in differ:
        assert after[name] == replaced(before[name], row)


def replaced(text: str, row: Mutant) -> str:
    for find, replace in zip(row.find, row.replace, strict=True):
        text = text.replace(find, replace)
    return text


def test_most_rows_need_no_migrating() -> None:
    with connection.cursor() as cursor:
        assert sum(bool(of_row(row).statements(cursor)) for row in ROWS) > len(ROWS) * 3 / 4


@pytest.mark.parametrize(
    "outside",
    [
        changed("CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger_entry", file="ledger.sql"),
        changed("IF FOUND THEN\n    claim := 'first'", file="ledger.sql"),  # of another file
        changed("app text, payer uuid, deed text"),  # the arguments
        changed("There is no such text"),
    ],
    ids=["trigger", "other file", "arguments", "nowhere"],
)
def test_what_is_not_within_a_function_is_left_to_migrating(outside: ChangedMigration) -> None:
    with connection.cursor() as cursor:
        assert outside.statements(cursor) == []
