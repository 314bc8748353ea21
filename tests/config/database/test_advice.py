"""What manage.py says about an error of the database, instead of a traceback."""

import os

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from psycopg_pool import PoolTimeout

from config.database import advice
from tests.lib import servers

pytestmark = pytest.mark.django_db


def caught(statement: str) -> DatabaseError:
    with pytest.raises(DatabaseError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    return error.value


def pending(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(advice, "_pending_migrations", lambda: number)


def test_a_table_that_migrate_would_make(monkeypatch: pytest.MonkeyPatch) -> None:
    error = caught("SELECT * FROM no_such_table")
    pending(monkeypatch, 3)
    said = advice.about(error)
    assert said is not None
    assert 'relation "no_such_table" does not exist. 3 migrations are pending.' in said
    assert "manage.py migrate" in said
    pending(monkeypatch, 0)
    assert advice.about(error) is None, "with every migration applied, a missing table is a bug"


def test_a_right_that_the_role_lacks() -> None:
    said = advice.about(caught("SET LOCAL ROLE pg_monitor; SELECT * FROM oauth_client"))
    assert said is not None
    assert "permission denied for table oauth_client. The database role is" in said
    assert "as the owner" in said


@pytest.mark.parametrize(
    "statement", ["SELECT 1 / 0", "SET LOCAL statement_timeout = 1; SELECT pg_sleep(60)", "INSERT INTO oauth_scope DEFAULT VALUES"]
)  # fmt: skip
def test_any_other_error_keeps_its_traceback(statement: str) -> None:
    assert advice.about(caught(statement)) is None
    assert advice.about(ValueError("x")) is None


def test_a_pool_without_a_connection_is_asked_for_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**parameters: object) -> None:
        raise psycopg.OperationalError('FATAL: database "x" does not exist')

    monkeypatch.setattr(psycopg, "connect", refuse)
    said = advice.about(PoolTimeout("couldn't get a connection"))
    assert said is not None
    assert 'database "x" does not exist' in said


@pytest.mark.parametrize("command", [["end_of_day"], ["check", "--database", "default"], ["rotate_keys"]])
def test_a_command_without_its_database_says_what_to_do(command: list[str]) -> None:
    environment = {**os.environ, "DATABASE_URL": "postgresql://bank_app:x@127.0.0.1:1/countersign"}
    said = servers.refusal("manage.py", *command, environment=environment)
    assert "The database cannot be reached: " in said
    assert "Connection refused" in said.splitlines()[-3]
    assert said.endswith("Check DATABASE_URL, and whether PostgreSQL runs.\n")
