"""Django's database router for a site with a replica. A query that does not name the replica goes to the primary, even
one for objects related to a row that was read from the replica.
"""

from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

from config.database.replica import ALIAS


class ReplicaRouter:
    def db_for_read(self, model: type[Model], instance: Model | None = None, **_: Any) -> str | None:
        return DEFAULT_DB_ALIAS if instance is not None and instance._state.db == ALIAS else None

    db_for_write = db_for_read

    def allow_relation(self, one: Model, other: Model, **_: Any) -> bool | None:
        """Rows of the replica and of the primary may be related, because they are the same rows."""
        return True if ALIAS in (one._state.db, other._state.db) else None

    def allow_migrate(self, db: str, app_label: str, **_: Any) -> bool | None:
        return False if db == ALIAS else None
