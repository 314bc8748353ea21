"""The caches of a worker process."""

import threading

import pytest

from oauth.infrastructure import caches
from oauth.infrastructure.caches import RefreshedCache, TTLCache
from tests.lib.servers import PATIENCE_SECONDS


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_an_entry_ends_after_its_seconds():
    clock = Clock()
    cache = TTLCache(max_entries=10, clock=clock)
    cache.put("short", 1, 5)
    cache.put("long", 2, 50)
    clock.now += 5
    assert [cache.get("short"), cache.get("long"), cache.get("never")] == [None, 2, None]


def test_a_full_cache_loses_the_entry_that_was_put_first():
    cache = TTLCache(max_entries=2)
    for name in "abac":
        cache.put(name, name, 60)
    assert [cache.get(name) for name in "abc"] == ["a", None, "c"]
    assert len(cache) == 2


def test_an_entry_that_is_used_often_stays():
    cache, made = TTLCache(max_entries=2), []

    def get(name):
        return cache.get_or_put(name, lambda: made.append(name) or name, 60)

    assert [get(name) for name in "abaca"] == list("abaca")
    assert made == ["a", "b", "c"]


def test_a_stale_value_is_loaded_again_with_the_old_one_at_hand():
    fresh, loads = [], []
    cache = RefreshedCache(lambda key, old: loads.append((key, old)) or len(loads), is_fresh=lambda value: bool(fresh))
    assert [cache.get("a"), cache.get("a")] == [1, 2]
    fresh.append(True)
    assert cache.get("a") == 2
    assert loads == [("a", None), ("a", 1)]


def test_one_thread_loads_and_the_others_use_the_old_value():
    begun, may_end = threading.Event(), threading.Event()

    def load(key, old):
        if old is not None:
            begun.set()
            assert may_end.wait(PATIENCE_SECONDS)
        return (old or 0) + 1

    cache = RefreshedCache(load, is_fresh=lambda value: value == 2)
    assert cache.get("a") == 1
    thread = threading.Thread(target=cache.get, args=["a"])
    thread.start()
    assert begun.wait(PATIENCE_SECONDS)
    assert cache.get("a") == 1
    may_end.set()
    thread.join()
    assert cache.get("a") == 2


def test_a_load_that_fails_leaves_the_cache_usable():
    answers = [OSError(), 1]

    def load(key, old):
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    cache = RefreshedCache(load, is_fresh=lambda value: True)
    with pytest.raises(OSError):  # noqa: PT011
        cache.get("a")
    assert cache.get("a") == 1


def test_one_call_empties_all_of_them(settings):
    timed, refreshed = TTLCache(max_entries=2), RefreshedCache(lambda key, old: object(), is_fresh=lambda value: True)

    @caches.until_cleared
    def made():
        return object()

    for change in (caches.clear, lambda: setattr(settings, "OAUTH", {**settings.OAUTH})):
        timed.put("a", 1, 60)
        before = refreshed.get("a"), made()
        assert (refreshed.get("a"), made()) == before
        change()
        assert timed.get("a") is None
        assert not {refreshed.get("a"), made()} & set(before)
