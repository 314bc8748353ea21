"""Takes a connection from the pool only while the breaker is closed and the client is still connected, and records
which thread holds the connection. When PostgreSQL ends a session, the error is raised as an OperationalError.
"""

import time
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.postgresql import base as plain
from django.db.utils import DatabaseErrorWrapper
from django.utils.functional import cached_property
from psycopg import Error, OperationalError

from config.database import hosts, in_use
from config.database.breaker import breaker
from config.database.ended_sessions import ErrorWrapper
from oauth.fast_path.postgresql import base as fast

#: After a longer wait for a connection of the pool, check whether the client is still connected.
_LONG_SECONDS = 0.05

_Parent: Any = fast.DatabaseWrapper if settings.FAST_PATH else plain.DatabaseWrapper


class ClientHasLeft(OperationalError):
    """The request waited for a connection of the pool, and its client closed its own connection meanwhile."""


class DatabaseWrapper(_Parent):  # type: ignore[misc]  # chosen by a setting
    answers = 0

    @cached_property
    def wrap_database_errors(self) -> DatabaseErrorWrapper:
        return ErrorWrapper(self)

    @property
    def pool(self) -> Any:
        pool = super().pool
        if pool is not None and isinstance(pool.kwargs, dict):
            pool.kwargs = partial(hosts.found_first, pool.kwargs)
        return pool

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if self.is_watched:
            breaker.check()
        began = time.monotonic()
        if self.pool is None:
            conn_params = hosts.found_first(conn_params)
        try:
            with in_use.asking():
                connection = super().get_new_connection(conn_params)
        except Error:
            self._suspect()
            raise
        in_use.took(connection, self)
        if time.monotonic() - began > _LONG_SECONDS and in_use.has_client_left():
            self.connection = connection
            self.close()
            raise ClientHasLeft("The client has left, so its request is not run.")
        return connection

    def _close(self) -> None:
        connection = self.connection
        if connection is not None:
            in_use.gave_back(connection)
            if connection.closed:
                self._suspect()
        super()._close()

    @property
    def is_watched(self) -> bool:
        """Only the primary has a breaker, so an unreachable replica does not open it."""
        return bool(self.alias == DEFAULT_DB_ALIAS)

    def _suspect(self) -> None:
        if self.is_watched:
            breaker.suspected.set()
