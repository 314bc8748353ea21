"""A connection from the pool is checked without a round trip. The server is asked only if there is a doubt."""

import psycopg
import pytest
from django.db import connection
from psycopg_pool import ConnectionPool

from oauth.fast_path.postgresql import base
from oauth.fast_path.postgresql.base import check_if_in_doubt


@pytest.fixture
def asked(monkeypatch):
    """Records the connections on which the server was asked whether it is still there."""
    calls = []
    ask = ConnectionPool.check_connection

    def counted(one):
        calls.append(one)
        ask(one)

    monkeypatch.setattr(ConnectionPool, "check_connection", staticmethod(counted))
    return calls


@pytest.fixture
def pooled(transactional_db):
    """A connection from the pool that was returned a moment ago."""
    pool = connection.pool
    one = pool.getconn()
    one.returned_at = base.time.monotonic()
    yield one
    pool.putconn(one)


def test_a_connection_that_was_just_used_is_not_asked(pooled, asked):
    check_if_in_doubt(pooled)
    assert asked == []


def test_a_connection_that_was_idle_is_checked(pooled, asked):
    pooled.returned_at -= base.IDLE_SECONDS + 1
    check_if_in_doubt(pooled)
    assert asked == [pooled]


def test_a_connection_that_the_server_has_ended_is_noticed_at_once(pooled, asked):
    """The database was restarted between two requests."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pooled.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        check_if_in_doubt(pooled)


def test_no_request_gets_a_connection_that_was_ended(transactional_db, client):
    """The same through the pool, so no request gets 503 after a restart."""
    pool = connection.pool
    connection.close()
    taken = [pool.getconn() for _ in range(3)]
    taken[0].execute("SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s) pid", [_pids(taken[1:])])
    for one in taken:
        one.returned_at = base.time.monotonic()
        pool.putconn(one)
    for _ in range(3):
        assert client.get("/oauth/authorize", {"client_id": "nobody"}).status_code == 400


def _pids(connections):
    return [one.info.backend_pid for one in connections]
