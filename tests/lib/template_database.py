"""One migrated database that each run's own is copied from: migrating takes ten seconds, copying one.

The template's name is a hash of whatever decides its content, so a changed migration makes a new one.
"""

import hashlib
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.backends.postgresql.psycopg_any import sql

ROOT = Path(__file__).resolve().parents[2]
# Runs side by side make the template once: a run that had to wait for this lock finds it made.
_ADVISORY_LOCK = 7_318_207


def use_template() -> None:
    """From here on the test database is created as a copy of the migrated template."""
    name = f"template_{_fingerprint()}"
    with connection._nodb_cursor() as cursor:  # type: ignore[attr-defined]  # Django's own door to CREATE DATABASE
        cursor.execute("SELECT pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if not cursor.fetchone():
            _drop_templates(cursor)
            _create(cursor, name)
    connection.settings_dict["TEST"]["TEMPLATE"] = name


def _drop_templates(cursor: Any) -> None:
    """Those of earlier migrations, which nobody copies any more."""
    cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'template\\_%'")
    for (name,) in cursor.fetchall():
        cursor.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def _create(cursor: Any, name: str) -> None:
    """Whole or not at all: a run that is killed while it migrates leaves no database of this name."""
    test, names = connection.settings_dict["TEST"], connection.settings_dict["NAME"]
    before, test["NAME"] = test.get("NAME"), f"{name}_unfinished"
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
    finally:
        test["NAME"] = before
        connection.settings_dict["NAME"] = names
    cursor.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(f"{name}_unfinished"), sql.Identifier(name))
    )


def _fingerprint() -> str:
    """Of the migrations of every app, their SQL files, and the versions of what is installed."""
    content = hashlib.sha256((ROOT / "requirements-dev.txt").read_bytes())
    for app in sorted(apps.get_app_configs(), key=lambda app: app.name):
        for path in sorted(Path(app.path, "migrations").glob("*")):
            if path.is_file():
                content.update(path.name.encode() + path.read_bytes())
    return content.hexdigest()[:16]
