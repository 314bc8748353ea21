"""CONN_HEALTH_CHECKS asks the server whether it is there before every request that needs it: a round trip each time.

Here that is asked only where there is a reason. A server that ended a connection has said so, and the socket can be
read; one that vanished without a word is noticed by tcp_user_timeout, and by the question after a rest.
"""

import select
import time
from typing import Any

from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool

# Proxies and firewalls forget connections that rest for minutes.
RESTED_SECONDS = 10.0


class DatabaseWrapper(base.DatabaseWrapper):
    @property
    def pool(self) -> Any:
        pool = super().pool
        if pool is not None and pool._check is ConnectionPool.check_connection:
            pool._check = check_where_in_doubt
        return pool

    def _set_autocommit(self, autocommit: bool) -> None:
        if self.connection.autocommit != autocommit:  # as the last request left it
            super()._set_autocommit(autocommit)  # type: ignore[misc]

    def _close(self) -> None:
        if self.connection is not None:
            self.connection.put_back_at = time.monotonic()
        super()._close()  # type: ignore[misc]


def check_where_in_doubt(connection: Any) -> None:
    """Raises what psycopg raises where the connection is dead; the pool then takes another one."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    rested = time.monotonic() - getattr(connection, "put_back_at", float("-inf"))
    if rested > RESTED_SECONDS or waiting.poll(0):
        ConnectionPool.check_connection(connection)
