"""The clients in use, which the worker processes of one server tell each other."""

import json
import time

import pytest
from django.db import OperationalError

from config.database import known_clients
from config.database.known_clients import FILE, share
from oauth import keys
from oauth.clients import cache
from oauth.infrastructure import caches


@pytest.fixture
def file(tmp_path):
    return tmp_path / FILE


@pytest.fixture
def now():
    return time.monotonic()


def test_each_process_learns_what_the_others_serve(file, now):
    cache.also_used({"first": now})
    share(file)
    caches.clear()  # another process
    cache.also_used({"second": now})
    share(file)
    assert cache.used() == json.loads(file.read_text()) == {"first": now, "second": now}


def test_what_has_not_been_used_for_long_is_told_to_nobody(file, now):
    cache.also_used({"old": now - cache.USED_SECONDS - 1, "new": now})
    share(file)
    assert json.loads(file.read_text()) == {"new": now}


@pytest.mark.parametrize("content", ["", "{"])
def test_a_broken_file_is_written_anew(file, now, content):
    file.write_text(content)
    cache.also_used({"mine": now})
    share(file)
    share(file)
    assert json.loads(file.read_text()) == {"mine": now}


def test_without_a_directory_nobody_learns_anything(file, now):
    """The server has stopped, or its disk is full."""
    cache.also_used({"mine": now})
    share(file.with_name("gone") / FILE)
    assert cache.used() == {"mine": now}


@pytest.mark.django_db
def test_a_process_has_the_keys_before_anybody_asks_it(file, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(known_clients, "close_old_connections", lambda: None)
    keys.ring.forget()
    assert known_clients.read(file)
    with django_assert_num_queries(0):
        assert keys.published_jwks()["keys"]


@pytest.mark.django_db
@pytest.mark.parametrize("is_away", [False, True])
def test_it_says_whether_the_clients_could_be_read(monkeypatch, file, is_away):
    def reload():
        if is_away:
            raise OperationalError("away")

    monkeypatch.setattr(cache, "reload", reload)
    monkeypatch.setattr(known_clients, "close_old_connections", lambda: None)
    assert known_clients.read(file) is not is_away
