"""Restores the database as `migrate` left it, after a test that committed.

Django's own way empties every table and sends `post_migrate`, which creates content types, permissions, roles and
signing keys again: one to three seconds per test. This module touches only the tables that the test wrote.
"""

from dataclasses import dataclass

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import sql

_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname"
# Rows with times, which are renewed as if `migrate` had just run, because the database is a copy of a template that may
# be months old.
FRESH_KEYS = "UPDATE oauth_signingkey SET published_at = now(), active_at = now()"


@dataclass(frozen=True)
class Pristine:
    """The rows that `migrate` wrote, by table, as COPY prints them. Most tables have none."""

    rows: dict[str, bytes]

    @classmethod
    def remember(cls) -> "Pristine":
        with connection.cursor() as cursor:
            cursor.execute(FRESH_KEYS)
            cursor.execute(_TABLES)
            tables = [name for (name,) in cursor.fetchall()]
            return cls({table: _copied(cursor, table) for table in tables})

    def restore(self) -> None:
        with connection.cursor() as cursor:
            filled = _filled(cursor, list(self.rows))
            changed = [
                table
                for table, rows in self.rows.items()
                if (table in filled or rows) and (not rows or _copied(cursor, table) != rows)
            ]
            if not changed:
                return
            # The ledger's triggers refuse DELETE, and foreign keys require an order of deletion. A superuser may switch
            # both off.
            cursor.execute("SET session_replication_role = replica")
            for table in changed:
                cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
                if self.rows[table]:
                    with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as copy:
                        copy.write(self.rows[table])
            cursor.execute("SET session_replication_role = DEFAULT")


# Finds only tables that a test has filled with many rows.
_SWELLED = f"{_TABLES.partition(' ORDER')[0]} AND pg_relation_size(oid) > 1000000"


def sweep() -> None:
    """Vacuums the rows that large tests have rolled back, because later queries of these tables would read them. Then
    resets the planner's statistics to those after `migrate`, because VACUUM records that the table is empty. Only if
    autovacuum is off, as in the tests' own PostgreSQL.
    """
    with connection.cursor() as cursor:
        cursor.execute("SHOW autovacuum")
        if cursor.fetchone() != ("off",):
            return
        cursor.execute(_SWELLED)
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("VACUUM {}").format(sql.Identifier(table)))
            cursor.execute("SELECT pg_clear_relation_stats('public', %s)", [table])


def _filled(cursor: CursorWrapper, tables: list[str]) -> set[str]:
    asked = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(sql.Literal(table), sql.Identifier(table))
        for table in tables
    )
    cursor.execute(asked)
    return {name for (name,) in cursor.fetchall()}


def _copied(cursor: CursorWrapper, table: str) -> bytes:
    with cursor.copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
        return b"".join(bytes(part) for part in copy)
