"""Which requests a worker process answers, which it queues, and which it refuses."""

import math
import threading
from io import BytesIO

import pytest
from django.urls import resolve
from granian.wsgi import ResponseIterWrap

from accounts.passwords import argon2
from config.server import bodies, connections, serving, streams
from config.server.admission import Overloaded, Slots
from tests.lib.servers import wait_until


@pytest.fixture(autouse=True)
def clients_stay(monkeypatch):
    """The clients of these tests have no connections (see test_connections.py)."""
    monkeypatch.setattr(connections, "LOOK_AFTER_SECONDS", math.inf)


def environ(path="/oauth/token", **more):
    return {"PATH_INFO": path, "REMOTE_ADDR": "192.0.2.1", **more}


class Requests:
    """Calls of a BodiesFirst, each in its own thread; a call that runs waits for `go`."""

    def __init__(self, **options):
        self.slots = Slots(1, **options)
        self.go, self.statuses = threading.Semaphore(0), []
        self.running = 0
        self.first = bodies.BodiesFirst(self._run, lambda *_: 503, slots=self.slots)
        self.threads = []

    def _run(self, protocol, environ):
        self.running += 1
        self.go.acquire()
        return 200

    def send(self, path="/oauth/token"):
        thread = threading.Thread(target=lambda: self.statuses.append(self.first(object(), environ(path))), daemon=True)
        thread.start()
        self.threads.append(thread)

    def finish(self):
        for _ in self.threads:
            self.go.release()
        for thread in self.threads:
            thread.join()


def test_one_too_many_in_the_queue_is_refused_at_once():
    requests = Requests(most=2, seconds=600)
    for _ in range(3):
        requests.send()
    wait_until(lambda: requests.running == 1 and len(requests.slots._queue) == 2)
    requests.send()
    wait_until(lambda: requests.statuses or len(requests.slots._queue) > 2)
    assert requests.statuses == [503]
    requests.finish()
    assert requests.statuses == [503, 200, 200, 200]


def test_a_request_that_waited_too_long_is_not_run():
    requests = Requests(most=2, seconds=0.01)
    requests.send()
    wait_until(lambda: requests.running == 1)
    assert requests.first(object(), environ()) == 503
    requests.finish()
    assert requests.running == 1


def test_a_probe_waits_for_nobody():
    requests = Requests(most=0, seconds=0)
    requests.send()
    wait_until(lambda: requests.running == 1)
    requests.send("/health/live")
    wait_until(lambda: requests.running == 2)
    requests.finish()
    assert requests.statuses == [200, 200]


def test_those_who_wait_go_on_in_the_order_in_which_they_came():
    slots = Slots(1, seconds=600)
    order, first = [], slots.take()

    def wait(number):
        with slots.take():
            order.append(number)

    threads = []
    for number in range(3):
        threads.append(threading.Thread(target=wait, args=[number], daemon=True))
        threads[-1].start()
        wait_until(lambda number=number: len(slots._queue) == number + 1)
    first.give_back()
    first.give_back()  # once is enough
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2]
    assert slots.free == 1


def test_a_request_may_give_its_slot_back_before_it_waits_for_something_else():
    slots, statuses = Slots(1, most=0), []

    def first(protocol, asked):
        asked[bodies.GIVE_SLOT_BACK]()
        statuses.append(answered(object(), environ(is_second=True)))
        return 200

    def run(protocol, asked):
        return 204 if "is_second" in asked else first(protocol, asked)

    answered = bodies.BodiesFirst(run, lambda *_: 503, slots=slots)
    assert (answered(object(), environ("/accounts/login/")), statuses) == (200, [204])
    assert slots.free == 1


def test_a_slot_comes_back_after_an_error():
    slots = Slots(1, most=0, seconds=0)
    with pytest.raises(ZeroDivisionError), slots.take():
        raise ZeroDivisionError
    with slots.take(), pytest.raises(Overloaded):
        slots.take()


class Logins:
    """Calls of a BodiesFirst that lets two logins in at the same time, answers requests without slots with 503, and
    refuses logins with 429, so that a test can tell who refused."""

    def __init__(self, slots=1):
        self.places = threading.BoundedSemaphore(2)
        limit = bodies.Limited(self.places, lambda *_: 429, "too many logins")
        self.slots = Slots(slots, most=0)
        self.inside = []
        self.first = bodies.BodiesFirst(
            self._run, lambda *_: 503, slots=self.slots, limited={"/accounts/login/": limit}
        )

    def _run(self, protocol, environ):
        self.inside.append(environ["PATH_INFO"])
        environ[bodies.GIVE_SLOT_BACK]()
        environ["while_inside"]()
        environ["answer"](protocol)
        return 200

    def send(
        self,
        path="/accounts/login/",
        method="POST",
        while_inside=lambda: None,
        body=b"login=a",
        answer=lambda protocol: None,
        connection=None,
    ):
        asked = environ(path, REQUEST_METHOD=method, while_inside=while_inside, answer=answer)
        if body is not None:
            asked |= {"CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)}
        return self.first(connection or object(), asked)


def test_a_login_too_many_is_refused_before_it_takes_a_slot():
    logins, statuses = Logins(), []

    def third():
        statuses.append(logins.send())
        statuses.append(logins.send("/oauth/token"))
        statuses.append(logins.send(method="GET", body=None))

    assert logins.send(while_inside=lambda: statuses.append(logins.send(while_inside=third))) == 200
    assert statuses == [429, 200, 200, 200]
    assert len(logins.inside) == 4  # the refused request never ran
    assert logins.send() == 200  # each of the others has given its place back


@pytest.mark.parametrize("method", ["response_bytes", "response_iter"])
def test_a_client_that_has_its_answer_finds_a_place_for_its_next_login(method):
    """With each answer, the client sends the next form at once. Another login has the other place."""
    logins, statuses = Logins(slots=9), []

    class Connection:
        answers = 0

        def _answered(self, *answer):
            self.answers += 1
            if self.answers < 5:
                statuses.append(send())

        response_bytes = response_iter = _answered

    connection = Connection()

    def send():
        return logins.send(connection=connection, answer=answer)

    def answer(protocol):
        if method == "response_bytes":
            protocol.response_bytes(200, [], b"")
        else:
            protocol.response_iter(200, [], ResponseIterWrap(BytesIO(bytes(streams.SENT_WHOLE_BYTES + 1))))

    assert logins.send(while_inside=lambda: statuses.append(send())) == 200
    assert statuses == [200] * 5
    assert [logins.places.acquire(blocking=False) for _ in range(3)] == [True, True, False]


def test_a_login_that_fails_or_is_not_run_gives_its_place_back():
    logins = Logins()

    def fail():
        raise ZeroDivisionError

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            logins.send(while_inside=fail)
    with logins.slots.take():
        assert [logins.send() for _ in range(3)] == [503] * 3
    assert logins.send() == 200


def test_the_forms_that_hash_passwords_of_strangers_share_as_many_places_as_there_are_hashes(settings):
    settings.URL_PREFIX = "/id"
    limited = serving._limited(lambda *_: 503)
    assert {"/accounts/login/", "/accounts/signup/"} <= set(limited)
    for form in serving.HASHING_FORMS:
        assert resolve(form)
        assert f"/id{form}" in limited
    [places] = {limit.places for limit in limited.values()}
    for _ in range(argon2.AT_ONCE + argon2.WAITING_AT_MOST):
        assert places.acquire(blocking=False)
    assert not places.acquire(blocking=False)
