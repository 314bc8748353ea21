"""The status lists for an API on this site, which knows about ended authorizations immediately."""

import threading
import time
from dataclasses import replace

import pytest
from django.db import connection
from django.utils import timezone

from oauth.infrastructure import caches
from oauth.infrastructure.caches import RefreshedCache
from oauth.models import Authorization, Client, RevokedStatus
from oauth.status import ended_recently, published_lists
from oauth.tokens.status_list import STATUS_LIST_SIZE, is_set

pytestmark = pytest.mark.django_db
A_LIST_FAR_AWAY = 2_000


@pytest.fixture
def many_lists():
    """The number of lists of a site with 130 million authorizations. A sequence is outside of transactions, so it is
    set back.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM oauth_status_index")
        [before] = cursor.fetchone()
        cursor.execute("SELECT setval('oauth_status_index', %s)", [A_LIST_FAR_AWAY * STATUS_LIST_SIZE + 9])
        yield
        cursor.execute("SELECT setval('oauth_status_index', %s)", [before])
    caches.clear()


def test_all_lists_are_read_at_once(many_lists, django_assert_num_queries):
    RevokedStatus.objects.bulk_create(RevokedStatus(index=n * STATUS_LIST_SIZE + n) for n in range(A_LIST_FAR_AWAY))
    with django_assert_num_queries(5):
        assert all(is_set(ended_recently.bits(number), number) for number in range(A_LIST_FAR_AWAY))
        assert not any(ended_recently.bits(A_LIST_FAR_AWAY))


def test_what_ended_before_every_token_of_now_is_left_out():
    long_ago = timezone.now() - 2 * ended_recently._TOKENS_LIVE
    RevokedStatus.objects.bulk_create([RevokedStatus(index=1, revoked_at=long_ago), RevokedStatus(index=2)])
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('oauth_status_index')")
    assert [is_set(ended_recently.bits(0), index) for index in (1, 2)] == [False, True]
    assert is_set(published_lists.bits(0), 1)  # a list that another process may cache for longer


def test_a_list_that_begins_now_is_known_and_one_that_no_token_names_is_not(mobile_app, alice, many_lists):
    assert not any(ended_recently.bits(0))
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('oauth_status_index', %s)", [(A_LIST_FAR_AWAY + 1) * STATUS_LIST_SIZE])
    assert not any(ended_recently.bits(A_LIST_FAR_AWAY + 1))
    for number in (A_LIST_FAR_AWAY + 2, -1):
        with pytest.raises(LookupError):
            ended_recently.bits(number)


def test_the_search_for_the_disabled_rests_in_proportion(issued, mobile_app, monkeypatch):
    issued(mobile_app)
    ended_recently.bits(0)
    known = ended_recently.recent._values[None]
    assert known.disabled_due_at > known.made_at
    Client.objects.update(is_active=False)
    index = Authorization.objects.get().status_index
    resting = replace(known, made_at=known.made_at - 600, disabled_due_at=time.monotonic() + 60)
    ended_recently.recent._values[None] = resting
    assert not is_set(ended_recently.bits(index // STATUS_LIST_SIZE), index % STATUS_LIST_SIZE)
    ended_recently.recent._values[None] = replace(resting, disabled_due_at=0.0)
    assert is_set(ended_recently.bits(index // STATUS_LIST_SIZE), index % STATUS_LIST_SIZE)


@pytest.mark.parametrize("cache", [ended_recently.recent, published_lists.lists])
def test_a_list_that_is_too_old_is_waited_for(cache, db, monkeypatch):
    """Fail closed: while one thread reads the lists, another thread must not accept a token by lists that are an hour
    old.
    """
    ended_recently.bits(0)
    published_lists.bits(0)
    key = next(iter(cache._values))
    young, now = cache._values[key], time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    assert cache._is_usable(replace(young, made_at=now - 299))
    assert not cache._is_usable(replace(young, made_at=now - 301))


def test_a_value_that_is_too_old_is_waited_for():
    loading, may_load = threading.Event(), threading.Event()

    def load(key, known):
        loading.set()
        assert may_load.wait(10)
        return "new"

    cache = RefreshedCache(load, is_fresh=lambda value: value == "new", is_usable=lambda value: value != "ancient")
    for old, seen in (("old", "old"), ("ancient", "new")):
        loading.clear()
        may_load.clear()
        cache._values["key"] = old
        found = []
        first = threading.Thread(target=cache.get, args=["key"])
        first.start()
        assert loading.wait(10)
        second = threading.Thread(target=lambda found=found: found.append(cache.get("key")))
        second.start()
        second.join(0.2 if old == "ancient" else 10)
        assert found == ([] if old == "ancient" else ["old"])
        may_load.set()
        first.join(10)
        second.join(10)
        assert found == [seen]
