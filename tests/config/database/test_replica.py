"""Reads that may be a second old: how old a replica is, and what the primary answers instead. `tests/faults` has a real
one."""

import psycopg
import pytest
from django.core.cache import cache
from django.core.checks import run_checks
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, transaction
from django.test import RequestFactory

from accounts.models import User
from config.database.replica import ALIAS, checks, reading, watch
from config.database.replica.age import Age
from config.database.replica.router import ReplicaRouter
from config.database.replica.watch import ReplicaWatch
from config.database.replica.written import MarkWritten
from config.database.waiting import Away
from oauth.infrastructure import replica
from tests.lib.replica import HERE, reading_from_a_replica

PAGE = 8192


def test_it_is_as_old_as_the_newest_moment_that_it_has_reached():
    age = Age()
    age.look(at=1.0, timeline="1", written=HERE, replayed=HERE - 8)
    assert age.shown.at == float("-inf")
    age.look(at=2.0, timeline="1", written=HERE + 100, replayed=HERE)
    assert age.shown.at == 1.0
    age.look(at=3.0, timeline="1", written=HERE + 200, replayed=HERE + 199)
    assert (age.shown.at, age.shown.position) == (2.0, HERE + 199)
    age.look(at=4.0, timeline="1", written=HERE + 200, replayed=HERE + 200)
    assert age.shown.at == 4.0


def test_it_does_not_get_old_where_nobody_writes():
    age = Age()
    for at in range(100):
        age.look(at=at, timeline="1", written=HERE, replayed=HERE)
    assert age.shown.at == 99


@pytest.mark.parametrize("header", [24, 40])
def test_the_header_of_the_next_page_is_nothing_to_replay(header):
    age = Age()
    age.look(at=1.0, timeline="1", written=100 * PAGE + header, replayed=100 * PAGE)
    assert age.shown.at == 1.0


def test_after_a_fail_over_it_counts_once_it_has_replayed_something_of_the_new_primary():
    """Until then, it may hold writes from after the point where the new timeline began, which are lost."""
    age = Age()
    age.look(at=1.0, timeline="1", written=HERE, replayed=HERE)
    for at in (2.0, 3.0):
        age.look(at=at, timeline="2", written=HERE - 500, replayed=HERE)
        assert age.shown.at == float("-inf")
    age.look(at=4.0, timeline="2", written=HERE + 100, replayed=HERE + 100)
    assert age.shown.at == 4.0


class Says:
    """A connection that answers each query with these rows."""

    def __init__(self, *rows):
        self.rows = list(rows)

    def connect(self):
        return True

    def row(self, statement):
        row = self.rows.pop(0)
        if isinstance(row, Exception):
            raise row
        return row


WRITTEN, RECEIVES, RECEIVES_NOTHING = (str(HERE).encode(), b"1"), (b"%d" % HERE, b"true"), (b"%d" % HERE, b"false")


@pytest.mark.parametrize("answer", [Away("no answer"), RECEIVES_NOTHING], ids=["away", "receives nothing"])
def test_one_that_is_away_or_receives_nothing_is_not_read(answer, monkeypatch):
    monkeypatch.setattr(watch, "_forget_idle_connections", lambda: None)
    age = Age()
    one = ReplicaWatch(Says(*[WRITTEN] * 3), Says(RECEIVES, answer, RECEIVES), age)
    one.look()
    assert age.shown.position == HERE
    one.look()
    assert age.shown.at == float("-inf")
    one.look()
    assert age.shown.position == HERE


def test_while_the_primary_is_away_what_it_shows_gets_older():
    age = Age()
    one = ReplicaWatch(Says(WRITTEN, Away("no answer")), Says(RECEIVES), age)
    one.look()
    before = age.shown
    one.look()
    assert age.shown == before


@pytest.fixture
def age():
    with reading_from_a_replica() as age:
        yield age


def asked(reader="alice"):
    """The database that the read uses."""
    return replica.read(reader, lambda alias: alias)


def test_without_a_replica_all_is_read_from_the_primary():
    assert asked() == DEFAULT_DB_ALIAS
    replica.wrote("alice")


@pytest.mark.django_db(transaction=True)
def test_a_read_goes_to_the_replica_unless_it_is_too_old(age, settings):
    assert asked() == ALIAS
    age.look(at=age.shown.at + 1, timeline="1", written=HERE + 1, replayed=HERE)
    settings.REPLICA_MAX_AGE = -1200
    assert asked() == DEFAULT_DB_ALIAS


@pytest.mark.django_db(transaction=True)
def test_a_user_who_wrote_reads_the_primary_until_the_replica_has_it(age, django_assert_num_queries):
    with django_assert_num_queries(1 + 1):  # the position, and the cache, which is a table here
        replica.wrote("alice")
    assert (asked("alice"), asked("bob")) == (DEFAULT_DB_ALIAS, ALIAS)
    position = cache.get("replica:written:alice")
    age.look(at=age.shown.at, timeline="1", written=position, replayed=position)
    assert asked("alice") == ALIAS


@pytest.mark.django_db(transaction=True)
def test_a_write_whose_position_is_not_known_counts_as_missing(age, monkeypatch):
    """It raises no error either, because the write has been committed."""
    monkeypatch.setattr(reading, "_WRITTEN", "SELECT nothing")
    monkeypatch.setattr(reading.outage, "ERRORS", (*reading.outage.ERRORS, Exception))
    replica.wrote("alice")
    position = 2**62
    age.look(at=age.shown.at, timeline="1", written=position, replayed=position)
    assert asked("alice") == DEFAULT_DB_ALIAS


@pytest.mark.django_db(transaction=True)
def test_without_the_shared_cache_nobody_knows_who_wrote(age, monkeypatch):
    monkeypatch.setattr(cache, "is_away", True, raising=False)
    assert asked() == DEFAULT_DB_ALIAS


@pytest.mark.django_db(transaction=True)
def test_nobody_knows_who_wrote_either_if_the_cache_fails_at_this_read(age, monkeypatch):
    """SharedCache then answers from the memory of this process."""

    class Failing:
        is_away = False

        def get(self, *_):
            self.is_away = True
            return 0

    monkeypatch.setattr(reading, "cache", Failing())
    assert asked() == DEFAULT_DB_ALIAS


@pytest.mark.django_db(transaction=True)
def test_a_read_in_a_transaction_sees_what_it_wrote(age):
    with transaction.atomic():
        assert asked() == DEFAULT_DB_ALIAS


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("cause", [psycopg.OperationalError(), psycopg.errors.SerializationFailure()])
def test_a_read_that_the_replica_fails_is_read_from_the_primary(age, error, cause):
    """The replica has died, or PostgreSQL has cancelled the read because of a conflict with recovery (40001)."""
    tried = []

    def ask(alias):
        tried.append(alias)
        if alias == ALIAS:
            raise error from cause
        return "rows"

    assert replica.read("alice", ask) == "rows"
    assert tried == [ALIAS, DEFAULT_DB_ALIAS]


@pytest.mark.django_db(transaction=True)
def test_a_read_that_took_too_long_is_not_repeated(age):
    tried = []

    def ask(alias):
        tried.append(alias)
        raise OperationalError from psycopg.errors.QueryCanceled()

    with pytest.raises(OperationalError):
        replica.read("alice", ask)
    assert tried == [ALIAS]


def test_what_belongs_to_a_row_of_the_replica_is_read_and_written_at_the_primary():
    router, row, other = ReplicaRouter(), User(), User()
    assert (router.db_for_read(User), router.db_for_read(User, instance=row)) == (None, None)
    row._state.db = ALIAS
    assert router.db_for_read(User, instance=row) == DEFAULT_DB_ALIAS
    assert router.db_for_write(User, instance=row) == DEFAULT_DB_ALIAS
    assert (router.allow_relation(row, other), router.allow_relation(other, other)) == (True, None)
    assert (router.allow_migrate(ALIAS, "oauth"), router.allow_migrate(DEFAULT_DB_ALIAS, "oauth")) == (False, None)


@pytest.mark.parametrize(("method", "marked"), [("GET", []), ("HEAD", []), ("POST", [7]), ("DELETE", [7])])
def test_a_form_that_a_user_sends_marks_them(method, marked, monkeypatch):
    written = []
    monkeypatch.setattr(replica, "wrote", written.append)
    request = RequestFactory().generic(method, "/")
    request.user = User(pk=7)
    MarkWritten(lambda _: "answer")(request)
    assert written == marked


def test_the_check_wants_one_host_and_a_shared_cache(settings, monkeypatch):
    assert checks.check_replica_settings() == []
    settings.CACHES = {"default": {"BACKEND": "config.table_cache.TableCache"}}
    monkeypatch.setitem(settings.DATABASES, ALIAS, {"HOST": "one,two"})
    assert [message.id for message in checks.check_replica_settings()] == ["config.E026", "config.W027"]


@pytest.mark.django_db(transaction=True)
def test_a_check_reports_a_replica_that_is_no_standby(age):
    found = {message.id for message in run_checks(databases=[DEFAULT_DB_ALIAS])}
    assert "config.E029" in found
