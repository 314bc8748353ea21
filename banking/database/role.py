"""The database role of the site's connections. It has only the rights that the site needs.

Migrations run as the owner of the tables. An attacker who takes over the site can therefore neither change nor delete
entries of the ledger, nor switch off its guarantees.
"""

from collections.abc import Iterable, Iterator

from django.db import connection, transaction
from psycopg import sql
from psycopg.sql import Composable, Identifier, Literal

from banking.database.rights import ALL, RIGHTS, Rights, functions, tables


def role_exists(role: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        return cursor.fetchone() is not None


@transaction.atomic
def set_up_role(role: str, *, password: str | None = None) -> None:
    """Creates the role, or brings its rights up to date. Must run as the owner of the tables, after `migrate`. Without
    `password`, an existing password stays.
    """
    who = Identifier(role)
    if not role_exists(role):
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
    # An attacker could run their own code through temporary tables and functions. The site needs neither.
    yield sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC, {}").format(Identifier(database), who)
    yield sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC, {}").format(who)
    yield sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(Identifier(database), who)
    yield sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(who)
    yield sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(who)
    # By default, PostgreSQL lets every role of the server call a new function.
    yield sql.SQL("REVOKE ALL ON ROUTINE {} FROM PUBLIC").format(_signatures(functions()))
    needed = [signature for signature, is_needed in functions().items() if is_needed]
    yield sql.SQL("GRANT EXECUTE ON ROUTINE {} TO {}").format(_signatures(needed), who)
    for table in tables():
        yield sql.SQL("GRANT {} ON {} TO {}").format(_listed(RIGHTS.get(table, ALL)), Identifier("public", table), who)
    yield sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {} ON TABLES TO {}").format(_listed(ALL), who)
    yield sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {}").format(who)


def _signatures(functions: Iterable[str]) -> Composable:
    return sql.SQL(", ").join(map(sql.SQL, functions))  # PostgreSQL's own text


def _listed(rights: Rights) -> Composable:
    return sql.SQL(", ").join(
        sql.SQL("{} ({})").format(sql.SQL(privilege), sql.SQL(", ").join(map(Identifier, columns)))
        if columns
        else sql.SQL(privilege)
        for privilege, columns in rights.items()
    )


def _scrambled(password: str, role: str) -> str:
    """The password as the server stores it (SCRAM), so that no log of statements contains the password."""
    connection.ensure_connection()
    pgconn = connection.connection.pgconn
    scrambled: bytes = pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    return scrambled.decode()


def _run(statement: Composable) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement.as_string(cursor.connection))
