"""Valkey or Redis as the shared cache: what happens while it is unreachable."""

import shutil
import socket
import subprocess
import time

import pytest
from django.core.cache import caches
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from accounts.login.pages import LOGINS
from config import shared_cache
from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit
from tests.lib.servers import PATIENCE_SECONDS, free_port, wait_until


@pytest.fixture
def forgets(monkeypatch):
    """Each test starts without knowing that the cache was unreachable in an earlier test."""
    monkeypatch.setattr(shared_cache, "_away_until", float("-inf"))
    monkeypatch.setattr(shared_cache, "_has_refused", False)


@pytest.fixture
def cache_at(settings, forgets):
    def cache_at(port):
        location = f"redis://127.0.0.1:{port}/0"
        settings.CACHES = {"default": {"BACKEND": "config.shared_cache.SharedCache", "LOCATION": location}}
        made.append(caches["default"])
        made[-1].memory.clear()
        return made[-1]

    made = []
    yield cache_at
    for cache in made:
        cache.memory.clear()


@pytest.fixture
def silent():
    """A port that accepts connections and never answers, as a stopped server does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_nobody_waits_long_for_a_cache_that_does_not_answer(cache_at, silent):
    """After the first failure, no request waits."""
    cache = cache_at(silent)
    began = time.monotonic()
    cache.set("one", 1, 60)
    first = time.monotonic()
    for _ in range(100):
        assert cache.get("one") == 1
    assert first - began < shared_cache.SOCKET_SECONDS + 5  # generous, for a busy machine
    assert time.monotonic() - first < shared_cache.SOCKET_SECONDS * 100 / 4


def test_it_is_asked_again_after_a_while(cache_at, silent, monkeypatch):
    monkeypatch.setattr(shared_cache, "SECONDS_AWAY", 600)
    cache = cache_at(silent)
    cache.set("one", 1, 60)
    failures = []
    monkeypatch.setattr(shared_cache.logger, "warning", lambda *_: failures.append(1))
    cache.get("one")
    assert not failures
    assert cache.is_away
    monkeypatch.setattr(shared_cache, "_away_until", time.monotonic() - 1)
    assert not cache.is_away
    cache.get("one")
    assert failures


def test_all_operations_go_on_in_the_memory_of_the_process(cache_at, silent):
    cache = cache_at(silent)
    assert cache.add("lock", "mine", 60)
    assert not cache.add("lock", "theirs", 60)
    cache.set_many({"a": 1, "b": 2}, 60)
    assert cache.get_many(["a", "b", "c"]) == {"a": 1, "b": 2}
    assert cache.touch("a", 60)
    assert "a" in cache
    assert cache.incr("a") == 2
    assert cache.incr("begun-in-the-shared-cache") == 1
    cache.delete_many(["a", "b"])
    assert cache.delete("lock")
    assert cache.get("a") is None
    assert cache.get_or_set("d", 4, 60) == 4
    cache.clear()
    assert cache.get("d") is None


def test_limits_count_in_this_process(cache_at, silent, clock_stands):
    cache_at(silent)
    limit = Limit("of-this-test", 3)
    assert [rate_limits.is_within(limit, "somebody") for _ in range(5)] == [True, True, True, False, False]


@pytest.mark.django_db
def test_a_login_goes_on(cache_at, silent, client, alice):
    form = {"login": alice.email, "password": "correct-horse-battery"}
    assert client.post("/accounts/login/", form).status_code == 302


@pytest.mark.django_db
def test_a_flood_of_logins_is_limited_without_the_cache(cache_at, silent, client, alice, clock_stands):
    """Each process counts alone, and none forgets to count."""
    cache_at(silent)
    for _ in range(LOGINS.most):
        assert client.post("/accounts/login/", {"login": "", "password": ""}).status_code == 200
    answer = client.post("/accounts/login/", {"login": alice.email, "password": "correct-horse-battery"})
    assert (answer.status_code, "_auth_user_id" in client.session) == (429, False)


@pytest.fixture
def server(tmp_path):
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        pytest.skip("neither valkey-server nor redis-server is on this machine")
    port = free_port()

    def start():
        return subprocess.Popen(
            [program, "--port", str(port), "--save", "", "--dir", str(tmp_path)], stdout=subprocess.DEVNULL
        )

    def answers():
        try:
            return Redis(port=port).ping()
        except RedisConnectionError:
            return False

    process = [start()]

    class Server:
        def __init__(self):
            self.port = port
            wait_until(answers)

        def kill(self):
            process[-1].kill()
            process[-1].wait()

        def start(self):
            process.append(start())
            wait_until(answers)

    yield Server()
    process[-1].kill()
    process[-1].wait()


@pytest.mark.served
def test_a_connection_that_was_closed_by_a_restart_is_no_failure(cache_at, server, monkeypatch):
    monkeypatch.setattr(shared_cache, "SOCKET_SECONDS", PATIENCE_SECONDS)  # a busy machine is not a failure
    cache = cache_at(server.port)
    cache.set("one", 1, 60)
    assert Redis(port=server.port).dbsize() == 1
    server.kill()
    server.start()
    monkeypatch.setattr(shared_cache.logger, "warning", lambda *_: pytest.fail("it was asked once more"))
    assert cache.get("one") is None
    cache.set("one", 2, 60)
    assert Redis(port=server.port).dbsize() == 1


@pytest.mark.served
@pytest.mark.parametrize(
    ("refuse", "accept"),
    [
        (("CONFIG SET", "maxmemory", 1), ("CONFIG SET", "maxmemory", 0)),
        (("REPLICAOF", "127.0.0.1", 1), ("REPLICAOF", "NO", "ONE")),
    ],
    ids=["full", "read-only"],
)
def test_counts_stay_in_memory_until_the_cache_accepts_writes(cache_at, server, monkeypatch, refuse, accept):
    """A full cache and a read-only replica answer reads. Without the trial, each read would find no count there."""
    monkeypatch.setattr(shared_cache, "SOCKET_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(shared_cache, "SECONDS_AWAY", 0)  # the cache is tried at each operation
    cache = cache_at(server.port)
    administrator = Redis(port=server.port)
    administrator.execute_command(*refuse)
    assert cache.add("count", 1, 60)
    assert cache.incr("count") == 2
    assert cache.get("count") == 2
    assert cache.get_many(["count"]) == {"count": 2}
    administrator.execute_command(*accept)
    assert cache.add("count", 1, 60)
    assert cache.get("count") == 1
    assert administrator.exists(cache.make_key("count"))
