"""The clients in use, which the worker processes of one server tell each other."""

import json
import os
import threading
import time
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import OperationalError, connections
from psycopg_pool import ConnectionPool, PoolTimeout

from config.database import known_clients
from config.database.known_clients import FOLDER, Reader
from oauth import keys
from oauth.clients import cache
from oauth.infrastructure import caches
from oauth.models import Client

HOUR = 3600.0


@pytest.fixture
def folder(tmp_path):
    return tmp_path / FOLDER


@pytest.fixture
def now():
    return time.monotonic()


@pytest.fixture(autouse=True)
def _same_connection(monkeypatch):
    monkeypatch.setattr(known_clients, "close_old_connections", lambda: None)


@pytest.fixture
def reads(monkeypatch):
    """Replaces the database. Contains, for each read, whether it was a read of all clients."""
    made = []
    monkeypatch.setattr(keys, "is_ready", lambda: True)
    monkeypatch.setattr(cache, "reload", lambda: made.append(True))
    monkeypatch.setattr(cache, "read_new", lambda: made.append(False))
    return made


def told(folder):
    return {file.name: json.loads(file.read_text()) for file in folder.glob("*.json")}


def write(folder, process, used):
    folder.mkdir(exist_ok=True)
    (folder / f"{process}.json").write_text(json.dumps(used))


def test_each_process_learns_what_the_others_serve(folder, now, reads):
    cache.also_used({"first": now})
    Reader(folder, HOUR, process=1).look()
    caches.clear()  # another process
    cache.also_used({"second": now})
    Reader(folder, HOUR, process=2).look()
    both = {"first": now, "second": now}
    assert cache.used() == both
    assert told(folder) == {"1.json": {"first": now}, "2.json": both}


def test_a_process_has_a_file_of_its_own(folder, now, reads):
    cache.also_used({"mine": now})
    Reader(folder, HOUR).look()
    assert told(folder) == {f"{os.getpid()}.json": {"mine": now}}


def test_clients_that_were_not_used_for_long_are_not_written(folder, now, reads):
    cache.also_used({"old": now - cache.USED_SECONDS - 1, "new": now})
    Reader(folder, HOUR, process=1).look()
    assert told(folder) == {"1.json": {"new": now}}


@pytest.mark.parametrize("content", ["", "{"])
def test_a_broken_file_is_written_anew(folder, now, reads, content):
    folder.mkdir()
    (folder / "1.json").write_text(content)
    cache.also_used({"mine": now})
    Reader(folder, HOUR, process=2).look()
    Reader(folder, HOUR, process=1).look()
    assert told(folder) == {"1.json": {"mine": now}, "2.json": {"mine": now}}


def test_without_a_directory_nobody_learns_anything(folder, now, reads):
    """The server has stopped, or its disk is full."""
    cache.also_used({"mine": now})
    Reader(folder / "gone" / FOLDER, HOUR).look()
    assert cache.used() == {"mine": now}


def test_the_file_of_a_process_that_has_ended_is_deleted(folder, now, reads):
    write(folder, 1, {"old": now - HOUR})
    written = time.time() - cache.USED_SECONDS - 1
    os.utime(folder / "1.json", (written, written))
    Reader(folder, HOUR, process=2).look()
    assert told(folder) == {"2.json": {}}


def test_a_process_has_the_keys_before_anybody_asks_it(folder, db, django_assert_num_queries):
    keys.ring.forget()
    assert Reader(folder, HOUR).look()
    with django_assert_num_queries(0):
        assert keys.published_jwks()["keys"]


class Done(Exception):
    """Ends the loop of a Reader."""


def test_the_clients_are_read_while_requests_have_all_connections_of_the_pool(folder, db, monkeypatch):
    """Requests hold all connections if each COMMIT waits for a synchronous standby that has failed. If the clients in
    memory became too old meanwhile, each of their requests would wait for a connection, too.
    """
    reader, has_read = Reader(folder, HOUR), []

    def refuse(pool, timeout=None):
        raise PoolTimeout

    def look_once():
        has_read.append(Reader.look(reader))
        raise Done

    def run():
        with suppress(Done):
            reader.run()
        connections.close_all()

    monkeypatch.setattr(ConnectionPool, "getconn", refuse)
    monkeypatch.setattr(keys, "is_ready", lambda: Client.objects.exists())
    monkeypatch.setattr(reader, "look", look_once)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert has_read == [True]


def test_all_clients_are_read_whenever_it_is_time(folder, reads):
    often, seldom = Reader(folder, 0.0, process=1), Reader(folder, HOUR, process=2)
    for reader in (often, often, seldom, seldom):
        assert reader.look()
    assert reads == [True, True, True]


def test_after_a_failure_they_are_read_at_the_next_look(folder, reads, monkeypatch):
    def refuse():
        raise OperationalError("away")

    reader, reload = Reader(folder, HOUR), cache.reload
    monkeypatch.setattr(cache, "reload", refuse)
    assert not reader.look()
    monkeypatch.setattr(cache, "reload", reload)
    assert reader.look()
    assert reads == [True]


def test_a_new_client_that_could_not_be_read_is_read_at_the_next_look(folder, reads, now, monkeypatch):
    def refuse():
        raise OperationalError("away")

    reader, read_new = Reader(folder, HOUR), cache.read_new
    reader.look()
    cache.also_used({"new": now})
    monkeypatch.setattr(cache, "read_new", refuse)
    assert not reader.look()
    monkeypatch.setattr(cache, "read_new", read_new)
    assert reader.look()
    assert reads == [True, False]


@pytest.fixture
def reader(folder, db, monkeypatch, settings):
    """Its next read of all clients is due in an hour. Until then, clients stay fresh, even on a slow machine."""
    settings.OAUTH = {**settings.OAUTH, "CLIENT_CACHE_LIFETIME": timedelta(hours=1)}
    monkeypatch.setattr(cache.clients, "_clock", time.monotonic)  # other tests stop this clock
    monkeypatch.setattr(keys, "is_ready", lambda: True)
    reader = Reader(folder, HOUR, process=2)
    assert reader.look()
    return reader


def is_known(client):
    """Whether this process can serve the client if an outage begins now."""
    return cache.clients.kept(client.client_id, at=time.monotonic()) is not None


def test_a_client_is_known_as_soon_as_another_process_has_begun_to_serve_it(
    folder, reader, service, now, django_assert_num_queries
):
    """The outage may begin before all clients are read again."""
    write(folder, 1, {service.client_id: now})
    with django_assert_num_queries(1):
        reader.look()
    assert is_known(service)
    assert told(folder)["2.json"] == {service.client_id: now}
    with django_assert_num_queries(0):
        reader.look()


def test_the_others_learn_of_a_client_as_soon_as_it_has_come_here(folder, reader, service, django_assert_num_queries):
    cache.load(service.client_id)
    with django_assert_num_queries(0):  # it has just been read
        reader.look()
    assert list(told(folder)["2.json"]) == [service.client_id]


def test_a_client_that_comes_again_is_no_news(reader, service):
    cache.load(service.client_id)
    reader.look()
    cache.load(service.client_id)
    assert not cache.news.is_set()


def test_the_clients_are_known_again_soon_after_one_was_changed_here(reader, service):
    """A change empties the cache, because its result may concern other clients, too."""
    cache.load(service.client_id)
    reader.look()
    service.save()
    assert not is_known(service)
    reader.look()
    assert is_known(service)


def test_nobody_is_told_of_a_client_that_was_disabled(folder, reader, service, now):
    """Otherwise, two processes would tell each other about it again and again."""
    service.is_active = False
    service.save()
    write(folder, 1, {service.client_id: now})
    reader.look()
    assert told(folder)["2.json"] == cache.used() == {}
