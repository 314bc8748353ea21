"""The cache table that worker processes share: it drops no entry early, and a write costs one statement."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection

from config import table_cache as backend

pytestmark = pytest.mark.django_db


def rows() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM shared_cache")
        return int(cursor.fetchone()[0])


def test_what_is_written_is_read_until_it_expires(clock_stands):
    now = datetime.now(UTC)
    cache.set("one", {"any": ["value"]}, 60)
    assert cache.get("one") == {"any": ["value"]}
    cache.set("one", 2, 60)
    assert cache.get("one") == 2
    cache.set("forever", 3, None)
    with time_machine.travel(now + timedelta(seconds=62), tick=False):
        assert cache.get("one") is None
        assert cache.get("forever") == 3


def test_the_first_one_to_add_wins_until_it_expires(clock_stands):
    now = datetime.now(UTC)
    assert cache.add("lock", "mine", 60)
    assert not cache.add("lock", "theirs", 60)
    assert cache.get("lock") == "mine"
    with time_machine.travel(now + timedelta(seconds=62), tick=False):
        assert cache.add("lock", "theirs", 60)
        assert cache.get("lock") == "theirs"


def test_touched_it_lives_on_and_what_has_expired_does_not_come_back(clock_stands):
    now = datetime.now(UTC)
    cache.set("one", 1, 60)
    assert cache.touch("one", 600)
    assert not cache.touch("none", 600)
    with time_machine.travel(now + timedelta(seconds=62), tick=False):
        assert cache.get("one") == 1
    with time_machine.travel(now + timedelta(seconds=662), tick=False):
        assert not cache.touch("one", 600)


def test_many_entries_do_not_push_out_the_failures_of_others():
    """ASVS 5.0 6.3.1: Django's own table drops a third of its rows beyond 300."""
    cache.set("failures-of-alice", 9, 600)
    for number in range(350):
        cache.set(f"failures-of-{number}", 1, 600)
    assert cache.get("failures-of-alice") == 9
    assert rows() == 351


def test_a_write_is_one_statement(django_assert_num_queries, monkeypatch):
    monkeypatch.setattr(backend, "_SWEEP_EVERY", 10**9)
    for write in (cache.set, cache.add, cache.touch):
        with django_assert_num_queries(1):
            write("one", 60)


def test_expired_entries_are_deleted(monkeypatch):
    cache.set("old", 1, 60)
    monkeypatch.setattr(backend, "_SWEEP_EVERY", 1)
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=62), tick=False):
        cache.set("new", 1, 60)
    assert rows() == 1


def test_what_is_not_there_has_no_number_to_add_to():
    with pytest.raises(ValueError, match="no entry"):
        cache.incr("none")


def test_an_increment_does_not_prolong(clock_stands):
    now = datetime.now(UTC)
    cache.set("count", 1, 60)
    with time_machine.travel(now + timedelta(seconds=50), tick=False):
        assert cache.incr("count", 2) == 3
    with time_machine.travel(now + timedelta(seconds=62), tick=False):
        assert cache.get("count") is None


@pytest.mark.django_db(transaction=True)
def test_no_increment_is_lost_to_another():
    cache.set("count", 0, 60)
    start = threading.Barrier(8)

    def count(_):
        start.wait()
        try:
            for _ in range(10):
                cache.incr("count")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    assert cache.get("count") == 80
