"""Creates the tables, the cache table, the signing keys and the site's database role."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError, ProgrammingError, connection
from django.db.migrations.executor import MigrationExecutor

from banking import database
from oauth.models import SigningKey

CONNECT_SECONDS = 5


def ensure_tables() -> str:
    """Raises CommandError if the database cannot be reached."""
    try:
        connection.ensure_connection()
    except OperationalError as error:
        raise CommandError(f"The database cannot be reached with secrets/owner_database_url: {error}") from error
    executor = MigrationExecutor(connection)
    pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if pending:
        call_command("migrate", interactive=False, verbosity=0)
    if settings.CACHES["default"]["BACKEND"] == "config.table_cache.TableCache":
        call_command("createcachetable", verbosity=0)
    return f"{pending} migrations applied" if pending else "the tables are those of this release"


def ensure_role(role: str, folder: Path) -> str:
    """Raises CommandError if the role exists and its password is not the one in the folder, because another site may
    use the role.
    """
    password = (folder / "secrets" / "site_password").read_text().strip()
    exists = database.role_exists(role)
    if exists and not list(database.differences(role)) and not _refusal(folder):
        return f"{role} has exactly the rights of the site"
    try:
        database.set_up_role(role, password=None if exists else password)
    except ProgrammingError as error:
        raise CommandError(
            f"{error}\nThe owner of the tables must be allowed to create roles (ALTER ROLE … CREATEROLE), or an "
            f"administrator runs CREATE ROLE {role} LOGIN PASSWORD '…' with the password in secrets/site_password."
        ) from error
    if refusal := _refusal(folder):
        raise CommandError(
            f"The role {role} cannot log in with secrets/database_url: {refusal}\nIf the role is that of another site, "
            "delete that file and choose another one with --role. Otherwise write the right password into "
            "secrets/site_password and secrets/database_url."
        )
    return f"{role} has the rights of the site; " + ("brought up to date" if exists else "made")


def problems(role: str) -> Iterator[str]:
    yield from database.differences(role)
    yield from database.broken_guarantees()


def signing_keys() -> str:
    """Names the algorithms of the signing keys, which `migrate` has made."""
    kinds = SigningKey.objects.filter(retiring_at=None).values_list("algorithm", flat=True).distinct()
    return f"signing keys for {', '.join(sorted(kinds))}"


def _refusal(folder: Path) -> str:
    url = (folder / "secrets" / "database_url").read_text().strip()
    try:
        psycopg.connect(url, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.OperationalError as error:
        return str(error).strip()
    return ""
