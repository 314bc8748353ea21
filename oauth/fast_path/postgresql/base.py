"""CONN_HEALTH_CHECKS makes Django's pool ask the server before every request that needs it: one round trip each.

This backend asks only where the connection may be dead. A server that closed a connection has sent so, and the socket
is readable; one that vanished is noticed by tcp_user_timeout, and by the check after an idle time.
"""

import select
import time
from typing import Any

from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool

# Proxies and firewalls drop connections that are idle for minutes.
IDLE_SECONDS = 10.0


class DatabaseWrapper(base.DatabaseWrapper):
    @property
    def pool(self) -> Any:
        pool = super().pool
        if pool is not None and pool._check is ConnectionPool.check_connection:
            pool._check = check_if_in_doubt
        return pool

    def _set_autocommit(self, autocommit: bool) -> None:
        if self.connection.autocommit != autocommit:  # the last request left it as it must be
            super()._set_autocommit(autocommit)  # type: ignore[misc]  # not in the stubs

    def _close(self) -> None:
        if self.connection is not None:
            self.connection.returned_at = time.monotonic()
        super()._close()  # type: ignore[misc]  # not in the stubs


def check_if_in_doubt(connection: Any) -> None:
    """Raises psycopg's error if the connection is dead; the pool then takes another one."""
    readable = select.poll()
    readable.register(connection.fileno(), select.POLLIN)
    idle = time.monotonic() - getattr(connection, "returned_at", float("-inf"))
    if idle > IDLE_SECONDS or readable.poll(0):
        ConnectionPool.check_connection(connection)
