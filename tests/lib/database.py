"""The site's own database role, and connections that use it, for tests."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from urllib.parse import quote, urlsplit

import pytest
from django.db import connection
from psycopg import sql

from banking import database
from tests.lib.servers import PATIENCE_SECONDS

PASSWORD = "the password of the tests' role"


def role_of_this_run() -> str:
    """Roles belong to the database server, not to one database. So simultaneous test runs need different names."""
    return f"bank_app_of_{connection.settings_dict['NAME']}"


@contextmanager
def site_role() -> Iterator[str]:
    """The site's role with exactly the rights of production. Drops the role at the end, and drops one that a killed run
    has left. The transaction commits.
    """
    role = role_of_this_run()
    drop_role(role)
    database.set_up_role(role, password=PASSWORD)
    try:
        yield role
    finally:
        drop_role(role)


def within_this_transaction() -> str:
    """Restricts this connection to the rights of the site's role until the end of the test's transaction. Returns the
    role.
    """
    role = role_of_this_run()
    database.set_up_role(role)
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {sql.Identifier(role).as_string(cursor.connection)}")
    return role


def drop_role(role: str) -> None:
    if database.role_exists(role):
        with connection.cursor() as cursor:
            name = sql.Identifier(role).as_string(cursor.connection)
            cursor.execute(f"DROP OWNED BY {name}")
            cursor.execute(f"DROP ROLE {name}")


def url_of(role: str | None = None) -> str:
    """The URL for another process to connect to the tests' own database, as its owner or with that role."""
    given = urlsplit(os.environ["DATABASE_URL"])
    if role:
        given = given._replace(netloc=f"{quote(role)}:{quote(PASSWORD)}@{given.netloc.rpartition('@')[2]}")
    return given._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def connected_as(role: str) -> AbstractContextManager[None]:
    return reconnected(USER=role, PASSWORD=PASSWORD)


@contextmanager
def reconnected(**changes: object) -> Iterator[None]:
    """Context manager: inside it, every connection of this process uses these settings, such as another USER, HOST or
    PORT.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, value in changes.items():
            patch.setitem(connection.settings_dict, name, value)
        _close()
        try:
            yield
        finally:
            _close()  # the next connection uses the old settings


def limited(**limits: str) -> AbstractContextManager[None]:
    """Context manager: inside it, every connection has these time limits: `limited(lock_timeout="100ms")`."""
    options = connection.settings_dict["OPTIONS"]
    added = " ".join(f"-c {name}={value}" for name, value in limits.items())
    return reconnected(OPTIONS={**options, "options": f"{options['options']} {added}"})


@contextmanager
def full_pool(timeout: float = 0.1) -> Iterator[Callable[[], None]]:
    """Context manager: inside it, all connections of the pool are in use. A request for one waits for `timeout`
    seconds, or until the yielded function is called, which returns one to the pool.
    """
    options = connection.settings_dict["OPTIONS"]
    with reconnected(OPTIONS={**options, "pool": {"min_size": 1, "max_size": 2, "timeout": timeout}}):
        pool = connection.pool
        pool.open()
        taken = [pool.getconn(timeout=PATIENCE_SECONDS) for _ in range(pool.max_size)]
        try:
            yield lambda: pool.putconn(taken.pop())
        finally:
            for other in taken:
                pool.putconn(other)


def _close() -> None:
    connection.close()
    connection.close_pool()


def backends_waiting() -> int:
    """The number of connections to the tests' database that wait for a lock which another client holds.

    A connection that waits for autovacuum does not count: it may not have sent the statement that a test waits for.
    """
    with connection.cursor() as cursor:
        # Otherwise, the view would not change within a transaction.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity AS waiting"
            " WHERE waiting.datname = current_database() AND waiting.wait_event_type = 'Lock' AND EXISTS ("
            "SELECT FROM pg_stat_activity AS holder WHERE holder.pid = ANY(pg_blocking_pids(waiting.pid))"
            " AND holder.backend_type = 'client backend')"
        )
        count: int = cursor.fetchone()[0]
        return count
