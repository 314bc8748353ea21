"""COMMIT by libpq and by psycopg raises the same errors and leaves the connection in the same state."""

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from psycopg import ProgrammingError

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=[True, False], ids=["fast", "plain"], autouse=True)
def _switched(request, settings):
    settings.OAUTH = {**settings.OAUTH, "FAST_PATH": request.param}


def run(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def table():
    run("CREATE TABLE kept (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    yield
    run("DROP TABLE kept")


def test_a_committed_row_can_be_read(table):
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        run("INSERT INTO kept VALUES (1)")
    assert queries.captured_queries[-1]["sql"] == "COMMIT"
    assert run("SELECT n FROM kept") == [(1,)]


def test_a_commit_that_a_deferred_constraint_refuses_is_rolled_back(table):
    with pytest.raises(IntegrityError), transaction.atomic():
        run("INSERT INTO kept VALUES (1), (1)")
    assert run("SELECT n FROM kept") == []


def test_a_connection_that_is_lost_before_commit_is_an_error():
    run("SELECT 1")
    with pytest.raises(OperationalError), transaction.atomic():
        _cut()
    assert run("SELECT 1") == [(1,)]


def _cut():
    """Ends the connection in the middle of its transaction, from another connection."""
    run("SELECT 1")
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
    other.close()


def test_nobody_commits_inside_a_transaction_of_psycopg():
    run("SELECT 1")
    with connection.connection.transaction(), pytest.raises(Exception, match="Explicit commit") as refused:
        connection.commit()
    assert isinstance(refused.value.__cause__, ProgrammingError)


def test_autocommit_is_not_changed_inside_a_transaction():
    run("SELECT 1")
    with connection.connection.transaction(), pytest.raises(Exception, match="autocommit"):
        connection._set_autocommit(False)
