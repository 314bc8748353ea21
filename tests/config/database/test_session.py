"""`manage.py check --database default`: what PostgreSQL says about a connection of the site."""

from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from config.database.session import check_connections, check_session

pytestmark = pytest.mark.django_db


def ids() -> list[str]:
    return [str(one.id) for one in check_session(databases=["default"])]


def set_for_this_test(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [name, value])


def test_a_connection_of_the_site_is_right() -> None:
    assert ids() == []


def test_it_asks_only_where_a_database_is_named() -> None:
    set_for_this_test("TimeZone", "Asia/Tokyo")
    assert check_session(databases=[]) == []


@pytest.mark.parametrize("name", ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"])
def test_a_timeout_that_a_pooler_swallowed_is_named_with_its_cure(name: str) -> None:
    set_for_this_test(name, "0")
    [found] = check_session(databases=["default"])
    assert found.id == "config.W020"
    assert f"ALTER ROLE postgres SET {name} = '" in str(found.hint)


def test_an_owner_who_migrates_needs_no_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {**settings.DATABASES["default"]["OPTIONS"], "options": "-c statement_timeout=0"}
    monkeypatch.setitem(settings.DATABASES["default"], "OPTIONS", options)
    set_for_this_test("statement_timeout", "0")
    assert ids() == []


def test_another_time_zone_is_an_error() -> None:
    set_for_this_test("TimeZone", "Asia/Tokyo")
    assert ids() == ["config.E021"]


@pytest.mark.django_db(transaction=True)
def test_another_isolation_is_an_error() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_isolation = 'serializable'")
        try:
            assert ids() == ["config.E022"]
        finally:
            cursor.execute("RESET default_transaction_isolation")


def test_pools_must_fit_into_what_the_database_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = {"min_size": 1, "max_size": 10_000, "timeout": 1}
    monkeypatch.setitem(
        settings.DATABASES["default"], "OPTIONS", {**settings.DATABASES["default"]["OPTIONS"], "pool": pool}
    )
    assert ids() == ["config.W023"]


def test_serve_counts_its_own_worker_processes() -> None:
    assert check_connections(1) == []
    [found] = check_connections(10_000)
    assert found.id == "config.W023"
    assert "10000 worker processes" in found.msg
