"""The watch over the database: when the breaker opens and closes, and which statements end."""

import socket
import threading
import time
from contextlib import contextmanager

import psycopg
import pytest
from django.db import OperationalError, connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from config.database import in_use, watch
from config.database.breaker import SECONDS_TO_RECONNECT, Breaker, breaker
from config.database.probe import Answer, Probe
from config.database.waiting import Away
from config.database.watch import FAILURES, Watch
from tests.lib.servers import PATIENCE_SECONDS, wait_until


class Says:
    """A probe with the results that the test sets."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def ask(self):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


WELL = Answer(0.0, 0.001)


@pytest.fixture
def closed_again():
    yield
    breaker.close()


def test_one_failure_is_no_outage_and_the_second_is():
    one = Watch(Says(Away("no answer"), WELL, Away("no answer"), Away("no connection")), Breaker())
    one.look()
    one.look()
    assert not one.breaker.is_open
    for _ in range(FAILURES):
        one.look()
    assert one.breaker.is_open
    assert one.state.reason == "no connection"


def test_the_first_answer_closes_it():
    one = Watch(Says(Away("no answer"), Away("no answer"), WELL), Breaker())
    for _ in range(FAILURES):
        one.look()
    assert one.breaker.answered_at() is None  # it has never answered this process
    one.look()
    assert not one.breaker.is_open
    assert one.state.reason == ""


def test_a_request_that_fails_before_the_breaker_opens_learns_when_the_database_last_answered():
    """So a known client gets its token even in the first moments of an outage."""
    one = Watch(Says(WELL), Breaker())
    one.look()
    assert not one.breaker.is_open
    assert one.breaker.answered_at() == pytest.approx(time.monotonic(), abs=PATIENCE_SECONDS)


def test_until_the_pool_has_reconnected_the_last_answer_is_that_before_the_outage(monkeypatch):
    """Otherwise, a client that was known before the outage would be refused in the moments in which the probe works
    again but the pool has no connection yet.
    """
    moment = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: moment)
    one = Watch(Says(WELL, *[Away("no answer")] * FAILURES, WELL, *[Away("no answer")] * FAILURES, WELL), Breaker())
    one.look()
    for outage_ends_at in (110.0, 110.0 + SECONDS_TO_RECONNECT - 1):
        for _ in range(FAILURES):
            one.look()
        assert one.breaker.answered_at() == 100.0
        moment = outage_ends_at
        one.look()
        assert not one.breaker.is_open
        assert one.breaker.answered_at() == 100.0
    moment += SECONDS_TO_RECONNECT
    assert one.breaker.answered_at() == one.breaker.last_answer_at == outage_ends_at


def test_a_clock_that_is_off_is_known_until_it_is_right_again():
    """This includes times when the database is unreachable or has no connection left."""
    one = Watch(Says(Answer(119.5, 0.001), None, Away("no answer"), Answer(0.5, 0.001)), Breaker())
    one.look()
    assert one.measured() == 119.5
    one.look()
    one.look()
    assert one.measured() == 119.5
    one.look()
    assert one.measured() == 0.0


def test_a_database_without_a_free_connection_is_there():
    """It still answers on existing connections."""
    one = Watch(Says(None, None), Breaker())
    one.look()
    one.look()
    assert not one.breaker.is_open


@pytest.mark.django_db(transaction=True)
def test_while_it_is_open_nobody_waits_for_the_database(closed_again, client):
    connection.close()
    breaker.open("no answer")
    with pytest.raises(OperationalError, match="unreachable"):
        connection.ensure_connection()
    answer = client.post("/oauth/token", {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "nobody"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    breaker.close()
    connection.ensure_connection()


@pytest.fixture
def held_up():
    """Yields a thread that waits for a long statement, the errors of the thread, and its connection."""
    errors, holders = [], []

    def wait():
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', '0', false)")
                holders.append(connection.connection)  # from now on, it waits for one statement
                cursor.execute("SELECT pg_sleep(600)")
        except OperationalError as error:
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=wait)
    thread.start()
    wait_until(lambda: holders and in_use.is_waiting(holders[0]))
    pid = holders[0].info.backend_pid
    yield thread, errors, holders[0]
    with psycopg.connect(watch.conninfo(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])  # the server does not know yet


@pytest.mark.django_db(transaction=True)
def test_a_thread_that_waits_when_the_breaker_opens_gets_an_error_at_once(held_up):
    thread, errors, _ = held_up
    one = Watch(Says(*[Away("no answer")] * FAILURES), Breaker())
    for _ in range(FAILURES):
        one.look()
    thread.join(30)
    assert len(errors) == 1


@pytest.mark.django_db(transaction=True)
def test_a_statement_without_an_answer_ends_on_this_side(held_up, settings):
    """Shorter statements and those of other connections are not ended."""
    settings.DB_STATEMENT_DEADLINE = 8.0
    thread, errors, mine = held_up
    times = [1.0 * second for second in range(9)]
    one = Watch(Says(*[WELL] * 30), Breaker(), now=lambda: times.pop(0))
    for _ in range(8):
        one.look()
    assert in_use.is_waiting(mine)
    one.look()
    thread.join(30)
    assert len(errors) == 1
    assert mine not in in_use.held()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert in_use.held() == [connection.connection]


@pytest.mark.django_db(transaction=True)
def test_a_pause_of_this_process_makes_no_statement_overdue(held_up, settings):
    settings.DB_STATEMENT_DEADLINE = 8.0
    _, _, mine = held_up
    times = [0.0, *[3600.0] * 7]
    one = Watch(Says(*[WELL] * 30), Breaker(), now=lambda: times.pop(0))
    for _ in range(8):
        one.look()
    assert in_use.is_waiting(mine)


class Holder:
    alias, answers = "default", 0


@pytest.fixture
def waiting(monkeypatch, settings):
    """A connection that waits at each look, and the list of connections that were cut."""
    settings.DB_STATEMENT_DEADLINE = 8.0
    cut, one = [], in_use._Held(Holder(), object(), 1)
    monkeypatch.setattr(in_use, "_held", {1: one})
    monkeypatch.setattr(in_use, "is_waiting", lambda _: True)
    monkeypatch.setattr(in_use, "cut", cut.append)
    return one, cut


def test_a_busy_connection_is_not_overdue(waiting):
    """Under load, it waits for another statement each time."""
    busy, cut = waiting
    times = [1.0 * second for second in range(40)]
    one = Watch(Says(*[WELL] * 40), Breaker(), now=lambda: times.pop(0))
    for _ in range(20):
        busy.holder.answers += 1
        one.look()
    assert cut == []
    for _ in range(20):
        one.look()
    assert cut[0] is busy.connection


def test_looks_in_quick_succession_make_no_statement_overdue(waiting):
    """After a suspicion, the next look comes at once."""
    _, cut = waiting
    times = [0.05 * number for number in range(40)]
    one = Watch(Says(*[WELL] * 40), Breaker(), now=lambda: times.pop(0))
    for _ in range(40):
        one.look()
    assert cut == []


@contextmanager
def of_hosts(*silent):
    """A probe whose first host is the given one, and whose second is the database of the tests."""
    here = conninfo_to_dict(watch.conninfo())
    place = {"host": f"{silent[0]},{here['host']}", "port": f"{silent[1]},{here['port']}"} if silent else {}
    probe = Probe(make_conninfo(**here | place), seconds=10)
    try:
        yield probe
    finally:
        probe.close()


class TestProbe:
    @pytest.mark.django_db
    def test_it_measures_the_difference_of_the_clocks(self, monkeypatch):
        probe = watch.probe()
        try:
            answer = probe.ask()
            assert abs(answer.clock_skew_seconds) <= answer.uncertainty_seconds + 0.01  # the same machine
            monkeypatch.setattr("config.database.probe.time.time", lambda: 120 + _time())
            ahead = probe.ask()
            assert abs(ahead.clock_skew_seconds - 120) <= ahead.uncertainty_seconds + 0.01
            assert watch.is_skewed(ahead)
            assert not watch.is_skewed(answer)
        finally:
            probe.close()

    def test_a_server_that_says_nothing_is_away_in_time(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            probe = Probe(f"host=127.0.0.1 port={silent.getsockname()[1]} user=x dbname=x", seconds=0.2)
            with pytest.raises(Away, match="no answer"):
                probe.ask()

    def test_where_nobody_listens_there_is_no_connection(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        with pytest.raises(Away, match="no connection"):
            Probe(f"host=127.0.0.1 port={port} user=x dbname=x", seconds=30).ask()

    @pytest.mark.django_db
    def test_it_finds_the_host_that_serves_behind_one_that_says_nothing(self):
        """After a fail-over, the first host may still accept connections and never answer."""
        with socket.create_server(("127.0.0.1", 0)) as silent, of_hosts("127.0.0.1", silent.getsockname()[1]) as probe:
            assert probe.ask() is not None

    @pytest.mark.django_db
    def test_a_host_that_takes_no_writes_is_not_chosen(self):
        with of_hosts() as probe:
            probe.conninfo = make_conninfo(
                probe.conninfo,
                options="-c default_transaction_read_only=on",
                target_session_attrs="read-write",
            )
            with pytest.raises(Away, match="read-only: a standby"):
                probe.ask()

    @pytest.mark.django_db
    def test_it_connects_again_after_its_connection_was_ended(self):
        probe = watch.probe()
        try:
            assert probe.ask() is not None
            with psycopg.connect(watch.conninfo(), autocommit=True) as other:
                pid = probe._server.backend_pid
                assert other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid]).fetchone() == (True,)
            with pytest.raises(Away, match="connection lost"):
                probe.ask()
            assert probe.ask() is not None
        finally:
            probe.close()


def _time():
    return time.clock_gettime(time.CLOCK_REALTIME)
