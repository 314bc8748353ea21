"""`manage.py check --database default` verifies that the guarantees of the ledger are in place."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from banking import database


@register(Tags.database)
def check_guarantees(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Checks a migrated database only: `migrate` runs this check before it creates the guarantees."""
    if not databases or "default" not in databases:
        return []
    loader = MigrationLoader(connection)
    if not set(loader.graph.leaf_nodes("banking")) <= set(loader.applied_migrations):
        return []
    return [
        Error(
            f"A guarantee of the ledger is missing: {one}.",
            hint="Stop the site, find out who changed the database, and restore what banking/migrations created.",
            id="banking.E001",
        )
        for one in database.broken_guarantees()
    ]
