"""`manage.py check --database default` behind a pooler. `make faults` asks a real pgbouncer."""

import psycopg
import pytest
from django.conf import settings
from psycopg import pq

from config.database import pooler, watch

pytestmark = pytest.mark.django_db


@pytest.fixture
def behind_pooler(monkeypatch):
    monkeypatch.setattr(pooler, "_share", lambda one, other: True)


def ids():
    return [one.id for one in pooler.check_pooler(databases=["default"])]


def test_postgresql_itself_is_no_pooler():
    assert ids() == []
    assert pooler.check_pooler(databases=[]) == []


def test_a_pooler_that_loses_statements_and_cursors_is_an_error(behind_pooler):
    """The statement of the check was never prepared at this connection."""
    assert ids() == ["config.E024", "config.E025"]


def test_without_statements_and_cursors_any_pooler_will_do(behind_pooler, monkeypatch):
    database = settings.DATABASES["default"]
    monkeypatch.setitem(database, "OPTIONS", {**database["OPTIONS"], "prepare_threshold": None})
    monkeypatch.setitem(database, "DISABLE_SERVER_SIDE_CURSORS", True)
    assert ids() == []


def test_a_pooler_that_passes_statements_on_is_not_blamed():
    with psycopg.connect(watch.conninfo(), autocommit=True) as one:
        one.pgconn.prepare(pooler._STATEMENT, b"SELECT 1")
        assert pooler._status(one.pgconn) == pq.ExecStatus.TUPLES_OK
        assert list(pooler._prepared_statements(one)) == []
