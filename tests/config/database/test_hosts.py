"""Several hosts of one database: new connections begin with the one that the watch has found."""

import pytest
from django.db import OperationalError, connection
from psycopg.conninfo import conninfo_to_dict

from config.database import hosts

TWO = {"host": "first,second", "port": "6001,6002", "dbname": "bank", "target_session_attrs": "read-write"}


@pytest.fixture(autouse=True)
def nothing_found(monkeypatch):
    monkeypatch.setattr(hosts, "_found", None)


def test_each_host_has_its_port():
    split = [conninfo_to_dict(one) for one in hosts.each("host=first,second port=6001,6002 dbname=bank")]
    assert [(one["host"], one["port"]) for one in split] == [("first", "6001"), ("second", "6002")]


def test_one_port_applies_to_all_hosts():
    split = [conninfo_to_dict(one) for one in hosts.each("host=first,second port=6001")]
    assert [(one["host"], one["port"]) for one in split] == [("first", "6001"), ("second", "6001")]


def test_one_host_stays_as_it_is():
    [split] = hosts.each("host=/run/postgresql dbname=bank")
    assert conninfo_to_dict(split) == {"host": "/run/postgresql", "dbname": "bank"}
    assert hosts.each("dbname=bank") == ["dbname=bank"]


def test_the_host_that_was_found_comes_first():
    assert hosts.found_first(TWO) == TWO
    hosts.found("second", "6002")
    assert hosts.found_first(TWO) == {**TWO, "host": "second,first", "port": "6002,6001"}
    hosts.found("first", "6001")
    assert hosts.found_first(TWO) == TWO


def test_hosts_of_one_machine_differ_by_port():
    hosts.found("localhost", "6002")
    found = hosts.found_first({"host": "localhost,localhost", "port": "6001,6002"})
    assert found == {"host": "localhost,localhost", "port": "6002,6001"}


def test_hosts_without_a_port_have_postgresqls():
    hosts.found("second", "5432")
    assert hosts.found_first({"host": "first,second"}) == {"host": "second,first"}


@pytest.mark.parametrize("attributes", ["read-write", "primary"])
def test_several_hosts_must_ask_for_the_one_that_takes_writes(attributes):
    assert hosts.finds_writer({**TWO, "target_session_attrs": attributes})
    assert not hosts.finds_writer({**TWO, "target_session_attrs": "any"})
    assert not hosts.finds_writer({"host": "first,second"})
    assert hosts.finds_writer({"host": "first"})


@pytest.mark.django_db(transaction=True)
def test_the_pool_begins_with_the_host_that_was_found(monkeypatch):
    with connection.cursor():  # the pool exists
        given = connection.pool.kwargs.args[0]
    monkeypatch.setitem(given, "host", "first,second")
    monkeypatch.setitem(given, "port", "6001,6002")
    hosts.found("second", "6002")
    assert connection.pool.kwargs()["host"] == "second,first"


@pytest.mark.django_db(transaction=True)
def test_a_primary_that_has_become_a_standby_is_an_outage():
    """The site then answers 503, and the caller may send the request again."""
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
        try:
            with pytest.raises(OperationalError, match="read-only transaction"):
                cursor.execute("CREATE TABLE nobody_needs_it ()")
        finally:
            cursor.execute("RESET default_transaction_read_only")
