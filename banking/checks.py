"""`manage.py check --database default`: is what guards the ledger still there?"""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from banking import database


@register(Tags.database)
def check_guarantees(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Only of a database that is migrated: `migrate` runs this check before it makes them."""
    if not databases or "default" not in databases:
        return []
    loader = MigrationLoader(connection)
    if not set(loader.graph.leaf_nodes("banking")) <= set(loader.applied_migrations):
        return []
    return [
        Error(
            f"The ledger is not guarded: {one}.",
            hint="Stop the site, find out who changed the database, and restore what banking/migrations made.",
            id="banking.E001",
        )
        for one in database.broken()
    ]
