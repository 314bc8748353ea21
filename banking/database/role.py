"""The role that the site connects with: it can do what the site does, and nothing more.

Migrations run as the owner of the tables. Who takes over the site with its own role can neither change nor delete what
stands in the ledger, nor switch off what guards it.
"""

from collections.abc import Iterator

from django.db import connection, transaction
from psycopg import sql
from psycopg.sql import Composable, Identifier, Literal

from banking.database.rights import ALL, EXECUTABLE, RIGHTS, Rights, tables


def exists(role: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        return cursor.fetchone() is not None


@transaction.atomic
def set_up(role: str, *, password: str | None = None) -> None:
    """Makes the role or brings its rights to what they should be; run by the owner of the tables, after `migrate`.

    Without a password it gets none, or keeps the one it has.
    """
    who = Identifier(role)
    if not exists(role):
        _run(sql.SQL("CREATE ROLE {} LOGIN").format(who))
    if password:
        _run(sql.SQL("ALTER ROLE {} PASSWORD {}").format(who, Literal(_scrambled(password, role))))
    for statement in _grants(who):
        _run(statement)


def _grants(who: Composable) -> Iterator[Composable]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        [database] = cursor.fetchone()
    everything = sql.SQL("ALL {} IN SCHEMA public")
    for kind in ("TABLES", "SEQUENCES", "FUNCTIONS"):
        yield sql.SQL("REVOKE ALL ON {} FROM {}").format(everything.format(sql.SQL(kind)), who)
    # Temporary tables and functions are where a stranger's code could start; nothing here needs them.
    yield sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC, {}").format(Identifier(database), who)
    yield sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC, {}").format(who)
    yield sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(Identifier(database), who)
    yield sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(who)
    yield sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(who)
    yield sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(Identifier("public", EXECUTABLE), who)
    for table in tables():
        yield sql.SQL("GRANT {} ON {} TO {}").format(_listed(RIGHTS.get(table, ALL)), Identifier("public", table), who)
    yield sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {} ON TABLES TO {}").format(_listed(ALL), who)
    yield sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {}").format(who)


def _listed(rights: Rights) -> Composable:
    return sql.SQL(", ").join(
        sql.SQL("{} ({})").format(sql.SQL(privilege), sql.SQL(", ").join(map(Identifier, columns)))
        if columns
        else sql.SQL(privilege)
        for privilege, columns in rights.items()
    )


def _scrambled(password: str, role: str) -> str:
    """As the server would store it (SCRAM), so that the password itself stands in no log of statements."""
    connection.ensure_connection()
    pgconn = connection.connection.pgconn
    scrambled: bytes = pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    return scrambled.decode()


def _run(statement: Composable) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement.as_string(cursor.connection))
