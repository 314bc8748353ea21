"""One migrated database from which each run copies its own.

Migrating takes five seconds, copying takes one. The template's name is a hash of everything that its content depends
on, so a changed migration gives a new template.

`python -m tests.lib.template_database` makes it while the processes of a run collect tests.

A run that has changed a file of migrations (`changed_migration.py`) has its own template. It is made from a database
that was migrated as far as the first migration that reads the file. If all changes are inside database functions, the
run copies the usual template and then replaces the functions.
"""

import functools
import gc
import hashlib
import inspect
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django
import psycopg
from django.apps import apps
from django.core.management import call_command
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection
from django.db.backends.postgresql.psycopg_any import sql

from config.upgrades.executor import FrugalExecutor
from tests.lib.changed_migration import ROOT, ChangedMigration
from tests.lib.patience import Patience

# Of several simultaneous test runs, one makes the template. The others wait for this lock and then find the template.
_ADVISORY_LOCK = 7_318_207


def use_template() -> None:
    """Makes Django create the test database as a copy of the migrated template."""
    changed = ChangedMigration.of_environment()
    template, statements = _replacing_functions(changed) if changed else (_shared_template(), [])
    if changed and not statements:
        template = _changed_template(changed.path)
    connection.settings_dict["TEST"]["TEMPLATE"] = template
    connection.creation.create_test_db = functools.partial(_copy, statements)


def _replacing_functions(changed: ChangedMigration) -> tuple[str, list[str]]:
    """The template that was migrated before the change, and the statements to run in its copy; no statements if there
    is no such template.
    """
    name = f"template_{_fingerprint(changed.path, changed.before)}"
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    try:
        with psycopg.connect(url) as template:
            return name, changed.statements(template.cursor())
    except psycopg.OperationalError:
        return name, []


def _shared_template() -> str:
    name = f"template_{_fingerprint()}"
    with connection._nodb_cursor() as cursor:  # type: ignore[attr-defined]  # Django's own function for CREATE DATABASE
        cursor.execute("SELECT pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        _make(cursor, name, _migrate, instead_of=("template_", "before_"))
    return name


def _changed_template(file: Path) -> str:
    before = f"before_{_fingerprint(file)}"
    with connection._nodb_cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute("SELECT pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        _make(cursor, before, lambda: _migrate_before(file))
    own = f"changed_{connection.settings_dict['NAME']}_"
    name = f"{own}{_fingerprint()}"
    with connection._nodb_cursor() as cursor:  # type: ignore[attr-defined]
        _make(cursor, name, _migrate, copy_of=before, instead_of=(own,))
    return name


def _copy(
    statements: Sequence[str],
    verbosity: int = 1,
    autoclobber: bool = False,
    serialize: bool = False,
    keepdb: bool = False,
) -> str:
    """Like Django's `create_test_db`, but instead of `migrate` it only sends the signal that creates the first rows,
    because the code of its receivers may have changed since the template was made.
    """
    creation, name = connection.creation, connection.creation._get_test_db_name()
    creation._create_test_db(verbosity, autoclobber, keepdb)
    _use(name)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    emit_post_migrate_signal(verbosity=0, interactive=False, db=connection.alias)
    return name


def _make(
    cursor: Any, name: str, migrate: Callable[[], None], *, copy_of: str | None = None, instead_of: tuple[str, ...] = ()
) -> None:
    """Makes the template if it does not exist. The template gets its final name only when it is complete, so a killed
    run leaves no incomplete template. Databases whose names begin with one of `instead_of` belong to earlier migrations
    and are dropped.
    """
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
    if cursor.fetchone():
        return
    for prefix in instead_of:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix])
        for (old,) in cursor.fetchall():
            cursor.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(old)))
    test, own, unfinished = connection.settings_dict["TEST"], connection.settings_dict["NAME"], f"{name}_unfinished"
    before = {key: test.get(key) for key in ("NAME", "TEMPLATE")}
    test.update(NAME=unfinished, TEMPLATE=copy_of)
    try:
        connection.creation._create_test_db(verbosity=0, autoclobber=True)
        _use(unfinished)
        migrate()
        _use(own)
    finally:
        test.update(before)
        connection.settings_dict["NAME"] = own
    cursor.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(unfinished), sql.Identifier(name)))


def _use(name: str) -> None:
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    connection.settings_dict["NAME"] = name


def _migrate() -> None:
    gc.disable()  # garbage collection of model classes took a third of the time
    try:
        call_command("migrate", verbosity=0, interactive=False, run_syncdb=True)
    finally:
        gc.enable()
    call_command("createcachetable")


def _migrate_before(file: Path) -> None:
    """Migrates up to the first migration that is in the file, or reads it."""
    executor = FrugalExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    sources = [Path(inspect.getfile(type(migration))) for migration, _ in plan]
    reads = next(number for number, source in enumerate(sources) if source == file or file.name in source.read_text())
    executor.migrate(None, plan=plan[:reads])


def _fingerprint(changed: Path | None = None, text: str = "") -> str:
    """A hash of the migrations of every app, their SQL files, the roles and the installed versions, as if the file
    `changed` had `text`.
    """
    from oauth.conf import conf  # not at the top: the module is imported before Django is set up
    from oauth.staff import roles

    content = hashlib.sha256((ROOT / "requirements-dev.txt").read_bytes())
    content.update(repr((roles.ROLES, conf.ADMIN_ROLES)).encode())
    for app in sorted(apps.get_app_configs(), key=lambda app: app.name):
        for path in sorted(Path(app.path, "migrations").glob("*")):
            if path.is_file():
                content.update(path.name.encode() + (text.encode() if path == changed else path.read_bytes()))
    return content.hexdigest()[:16]


if __name__ == "__main__":
    django.setup()
    Patience().begin()
    use_template()
