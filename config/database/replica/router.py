"""Django's router for a site with a replica: a query that does not name it goes to the primary, also one for what
belongs to a row of the replica."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

from config.database.replica import ALIAS


class ReplicaRouter:
    def db_for_read(self, model: type[Model], instance: Model | None = None, **_: Any) -> str | None:
        return DEFAULT_DB_ALIAS if instance is not None and instance._state.db == ALIAS else None

    db_for_write = db_for_read

    def allow_relation(self, one: Model, other: Model, **_: Any) -> bool | None:
        """Rows of the replica are rows of the primary."""
        return True if ALIAS in (one._state.db, other._state.db) else None

    def allow_migrate(self, db: str, app_label: str, **_: Any) -> bool | None:
        return False if db == ALIAS else None
