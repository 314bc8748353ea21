"""Requests that wait for the database do not occupy slots that other requests need."""

import threading
from contextlib import contextmanager
from functools import partial

import psycopg
import pytest
from django.db import connection

from config.database import in_use, watch
from config.server import admission
from config.server.admission import Overloaded, Slots, State
from config.server.lending import Lender
from tests.lib.database import full_pool
from tests.lib.servers import wait_until as wait_so_long

pytestmark = pytest.mark.django_db(transaction=True)
LOCK = 8_711

#: Short: these tests wait for no other program, and with a mutant, threads whose wait never ends would take minutes.
PATIENCE_SECONDS = 30
wait_until = partial(wait_so_long, seconds=PATIENCE_SECONDS)


class Request(threading.Thread):
    """Takes a slot, runs `ask`, and then waits for `may_end`."""

    def __init__(self, slots, ask):
        super().__init__(daemon=True)
        self.slots, self.ask, self.slot = slots, ask, None
        self.answered, self.may_end = threading.Event(), threading.Event()
        self.start()

    def run(self):
        try:
            with self.slots.take() as self.slot:
                self.ask()
                self.answered.set()
                self.may_end.wait(PATIENCE_SECONDS)
        finally:
            connection.close()

    def end(self):
        self.may_end.set()
        self.join()


@pytest.fixture(autouse=True)
def _time_to_take_back(monkeypatch):
    """A request that waits for its slot again does not go on without it, however late the test looks."""
    monkeypatch.setattr(admission, "TAKE_BACK_SECONDS", PATIENCE_SECONDS)


def waits():
    """Waits for a lock that the test holds."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET lock_timeout = 0")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute("RESET statement_timeout")
        cursor.execute("RESET lock_timeout")


def waits_for_lock():
    """Whether a thread has reached the statement of `waits` that waits. A connection can wait for another lock before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [LOCK],
        )
        return cursor.fetchone() is not None


def nothing():
    """Needs no database."""


@contextmanager
def hung_database():
    with psycopg.connect(watch.conninfo(), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        yield


def two_looks(lender):
    lender.look()
    lender.look()


@pytest.fixture
def slots():
    return Slots(1, seconds=PATIENCE_SECONDS)


def wait_in_queue(slots, number=1):
    wait_until(lambda: len(slots._queue) == number)


def test_a_request_that_waits_for_an_answer_lends_its_slot_and_takes_it_back(slots):
    lender = Lender(slots)
    with hung_database():
        first = Request(slots, waits)
        wait_until(waits_for_lock)
        two_looks(lender)
        assert first.slot.state is State.HELD  # no request waits for the slot
        other = Request(slots, nothing)
        wait_in_queue(slots)
        two_looks(lender)
        assert (first.slot.state, slots.free) == (State.LENT, 0)
        assert other.answered.wait(PATIENCE_SECONDS)
    wait_in_queue(slots)  # the answer has come
    assert not first.answered.is_set()
    other.end()
    assert first.answered.wait(PATIENCE_SECONDS)
    assert (first.slot.state, slots.free) == (State.HELD, 0)
    first.end()
    assert slots.free == 1


def test_a_request_lends_nothing_for_a_statement_that_has_just_begun(slots):
    with hung_database():
        first = Request(slots, waits)
        wait_until(waits_for_lock)
        other = Request(slots, nothing)
        wait_in_queue(slots)
        Lender(slots).look()
        assert first.slot.state is State.HELD
    first.end()
    other.end()


def test_two_statements_are_not_taken_for_one(slots):
    with connection.cursor() as cursor:
        before = connection.answers
        cursor.execute("SELECT 1")
        cursor.execute("SELECT 1")
    assert connection.answers >= before + 2


def test_a_request_that_waits_for_a_connection_lends_its_slot(slots):
    lender = Lender(slots)
    with full_pool(timeout=PATIENCE_SECONDS) as give_one_back:
        first = Request(slots, connection.ensure_connection)
        wait_until(lambda: first.ident in in_use.waiting_threads())
        other = Request(slots, nothing)
        wait_in_queue(slots)
        two_looks(lender)
        assert first.slot.state is State.LENT
        assert other.answered.wait(PATIENCE_SECONDS)
        give_one_back()
        wait_in_queue(slots)
        other.end()
        assert first.answered.wait(PATIENCE_SECONDS)
        first.end()
    assert slots.free == 1


def test_a_slot_is_lent_once(slots):
    lender = Lender(slots)
    with hung_database():
        first = Request(slots, waits)
        wait_until(waits_for_lock)
        others = [Request(slots, nothing) for _ in range(2)]
        wait_in_queue(slots, 2)
        for _ in range(5):
            lender.look()
        wait_in_queue(slots, 1)
    for one in (*others, first):  # either of them may have the slot now
        one.may_end.set()
    for one in (*others, first):
        one.join()
    assert slots.free == 1


def test_a_request_goes_on_without_a_slot_rather_than_wait_for_ever(slots, monkeypatch):
    """The request that has the slot may wait for a lock of this process that the other request holds."""
    monkeypatch.setattr(admission, "TAKE_BACK_SECONDS", 0.01)
    lender = Lender(slots)
    with hung_database():
        first = Request(slots, waits)
        wait_until(waits_for_lock)
        other = Request(slots, nothing)
        wait_in_queue(slots)
        two_looks(lender)
        assert other.answered.wait(PATIENCE_SECONDS)
    assert first.answered.wait(PATIENCE_SECONDS)
    assert first.slot.state is State.GIVEN_BACK
    first.end()
    other.end()
    assert slots.free == 1


def test_a_request_that_ends_while_its_slot_is_lent_gives_none_back(slots):
    held = slots.take()
    other = Request(slots, nothing)
    wait_in_queue(slots)
    assert slots.lend(held.thread) is held
    held.give_back()
    held.take_back()
    assert other.answered.wait(PATIENCE_SECONDS)
    assert slots.free == 0
    other.end()
    assert slots.free == 1


def test_nothing_is_lent_to_nobody():
    slots = Slots(1, most=0)
    with slots.take() as held:
        assert slots.lend(held.thread) is None
        with pytest.raises(Overloaded):
            slots.take()
