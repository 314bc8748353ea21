"""What an operator does about an error of the database that ends a command of manage.py."""

import psycopg
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from psycopg_pool import PoolTimeout

from oauth.infrastructure import outage

#: SQLSTATEs of PostgreSQL that refuse the connection or end it: an unknown role or database, a wrong password, too
#: many connections, a shutdown.
_REFUSED = ("08", "28", "3D", "53300", "57P0")
_CONNECT_SECONDS = 3


def about(error: BaseException) -> str | None:
    """A message for the operator. None if the error is not one that a setting, a migration or a right repairs."""
    caused_by = error if isinstance(error, psycopg.Error) else error.__cause__
    sqlstate = caused_by.sqlstate if isinstance(caused_by, psycopg.Error) else None
    if isinstance(error, outage.ERRORS) and (sqlstate is None or sqlstate.startswith(_REFUSED)):
        return (
            f"The database cannot be reached: {_reason(caused_by) or error}\n"
            "Check DATABASE_URL, and whether PostgreSQL runs."
        )
    if isinstance(caused_by, psycopg.errors.InsufficientPrivilege):
        return (
            f"{_first_line(caused_by)}. The database role is {connection.settings_dict['USER'] or 'the default one'}.\n"
            "Run migrate, and every other command that changes tables, as the owner of the tables. If the site's role "
            "lacks a right, run `manage.py database_role` as the owner."
        )
    undefined = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedFunction)
    if isinstance(caused_by, undefined) and (pending := _pending_migrations()):
        return (
            f"{_first_line(caused_by)}. {pending} migrations are pending.\n"
            "Run `manage.py migrate` as the owner of the tables, then `manage.py database_role`."
        )
    return None


def _reason(error: BaseException | None) -> BaseException | None:
    """Connects once more without the pool, whose error does not say why a connection failed."""
    if not isinstance(error, PoolTimeout):
        return error
    try:
        parameters = connection.get_connection_params() | {"connect_timeout": _CONNECT_SECONDS}
        psycopg.connect(**parameters).close()
    except psycopg.Error as reason:
        return reason
    return error


def _pending_migrations() -> int:
    connection.close()  # its transaction may have failed
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
