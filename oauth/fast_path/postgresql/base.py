"""Saves CPU time: pooled connections are rarely checked, and COMMIT bypasses psycopg's wait loop.

CONN_HEALTH_CHECKS costs a round trip to the server each time a connection is taken from Django's pool.

This backend checks a connection only if it may be dead: if its socket is readable, because the server has closed it, or
if it was idle for IDLE_SECONDS. `tcp_user_timeout` detects a server that has become unreachable.
"""

import select
import time
from typing import Any

from django.db.backends.postgresql import base
from django.db.backends.utils import debug_transaction
from psycopg import errors, pq
from psycopg_pool import ConnectionPool

from oauth.conf import conf

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
        if self.connection.autocommit == autocommit:  # usually already set by the previous request
            return
        if conf.FAST_PATH and self.connection.pgconn.transaction_status == pq.TransactionStatus.IDLE:
            self.connection._autocommit = autocommit  # what psycopg does after checking the status
            return
        super()._set_autocommit(autocommit)  # type: ignore[misc]  # not in the stubs

    def _commit(self) -> None:
        """Lets libpq wait for the result of COMMIT, as for prepared statements. If psycopg manages the transaction,
        psycopg commits it.
        """
        connection = self.connection
        if connection is None or not conf.FAST_PATH or _is_managed(connection):
            super()._commit()  # type: ignore[misc]  # not in the stubs
            return
        server = connection.pgconn
        if server.transaction_status == pq.TransactionStatus.IDLE:
            return
        with debug_transaction(self, "COMMIT"), self.wrap_database_errors:
            try:
                result = server.exec_(b"COMMIT")
            except MemoryError:  # psycopg raises this if libpq could not send
                raise errors.OperationalError(server.get_error_message()) from None
            if result.status != pq.ExecStatus.COMMAND_OK:
                if server.status == pq.ConnStatus.BAD:
                    raise errors.OperationalError(server.get_error_message())
                raise errors.error_from_result(result)

    def _close(self) -> None:
        if self.connection is not None:
            self.connection.returned_at = time.monotonic()
        super()._close()  # type: ignore[misc]  # not in the stubs


def _is_managed(connection: Any) -> bool:
    """Whether psycopg manages the transaction, with a pipeline, two-phase commit or `connection.transaction()`."""
    return bool(connection._pipeline or connection._tpc or connection._num_transactions)


def check_if_in_doubt(connection: Any) -> None:
    """Raises psycopg's error if the connection is dead; the pool then uses another one."""
    readable = select.poll()
    readable.register(connection.fileno(), select.POLLIN)
    idle = time.monotonic() - getattr(connection, "returned_at", float("-inf"))
    if idle > IDLE_SECONDS or readable.poll(0):
        ConnectionPool.check_connection(connection)
