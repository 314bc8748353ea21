"""A request whose client has left while it waited is not run."""

import socket
import sys
import threading
import time

import pytest
from django.db import OperationalError, connection

from config.database import in_use
from config.database.postgresql import base
from config.server import bodies, connections
from config.server.admission import Slots
from config.server.connections import Connections
from tests.lib.database import full_pool
from tests.lib.servers import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells about the sockets")
ADDRESS, OTHER_ADDRESS = "127.0.0.1", "127.0.0.2"


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Makes the server look at the connections at every request, however short the wait."""
    monkeypatch.setattr(connections, "LOOK_AFTER_SECONDS", -600)
    monkeypatch.setattr(connections, "_FRESH_SECONDS", -1)
    monkeypatch.setattr(connections, "_LONGEST_DELAY_SECONDS", 600)


class Client:
    """A connection to a listening socket of this process, on which a request has arrived."""

    def __init__(self, listening, address=ADDRESS):
        self.own = socket.create_connection(listening.getsockname(), source_address=(address, 0))
        self.server_side, _ = listening.accept()
        self.send()

    def send(self):
        self.own.sendall(b"GET / HTTP/1.1\r\n\r\n")
        self.server_side.recv(100)
        self.arrived = time.monotonic()

    def leave(self):
        """granian closes its side as soon as the client has closed the other."""
        self.own.close()
        self.server_side.close()

    def has_left(self, address=ADDRESS):
        return has_left(self.arrived, address)


def has_left(arrived, address=ADDRESS, connections=None):
    """Whether the client of a request that arrived then has left. One more request waits whose client has left."""
    connections = connections or Connections()
    with connections.request(address) as request, connections.request(address):
        request.arrived = arrived
        return request.has_left()


@pytest.fixture
def listening():
    with socket.create_server((ADDRESS, 0)) as opened:
        yield opened


@pytest.fixture
def client(listening):
    opened = Client(listening)
    yield opened
    opened.leave()


def test_a_client_that_waits_has_not_left(client):
    assert not client.has_left()


def test_a_client_that_closes_its_connection_has_left(client):
    client.leave()
    assert client.has_left()


def test_a_client_that_closes_its_own_direction_has_left(client):
    client.own.shutdown(socket.SHUT_WR)
    wait_until(client.has_left)


def test_another_client_of_the_address_may_be_this_one(listening, client):
    other = Client(listening)
    client.arrived = other.arrived  # the two have the same address, so it is unknown which of them has left
    client.leave()
    assert not other.has_left()
    other.leave()
    assert other.has_left()


def test_a_client_of_another_address_is_another_client(listening, client):
    other = Client(listening, OTHER_ADDRESS)
    client.leave()
    assert client.has_left()
    assert not other.has_left(OTHER_ADDRESS)
    other.leave()


def test_a_connection_whose_bytes_came_long_before_or_after_is_not_that_of_the_request(client, monkeypatch):
    wait_until(lambda: has_left(client.arrived - 60))  # when a millisecond has passed
    monkeypatch.setattr(connections, "_LONGEST_DELAY_SECONDS", -60)
    assert client.has_left()


def test_a_connection_with_an_answer_is_idle(client, monkeypatch):
    monkeypatch.setattr(connections, "_TICKETS_SECONDS", 0)
    monkeypatch.setattr(connections, "_LONGEST_DELAY_SECONDS", 0)

    def is_idle():
        client.server_side.sendall(b"x")
        return has_left(client.arrived + 60)

    wait_until(is_idle)


@pytest.mark.parametrize("late", [60, -60], ids=["the process was stopped", "a second request was sent on it"])
def test_a_request_is_run_if_all_clients_of_its_address_are_there(listening, client, monkeypatch, late):
    """Whatever the times: the last bytes may have come long before the request arrived, or after."""
    monkeypatch.setattr(connections, "_LONGEST_DELAY_SECONDS", 0)
    looked_at, other = Connections(), Client(listening)
    with looked_at.request(ADDRESS) as first, looked_at.request(ADDRESS) as second:
        first.arrived = second.arrived = client.arrived + late
        assert not first.has_left()
        other.leave()
        wait_until(first.has_left)  # when a millisecond has passed
        second.is_sending = lambda: True  # so its connection does not count
        assert not first.has_left()


def test_a_second_request_on_a_connection_arrives_after_the_first_answer(client, monkeypatch):
    """RFC 9112 §9.3.2. Its bytes came before that answer."""
    monkeypatch.setattr(connections, "_TICKETS_SECONDS", 0)

    def is_answered():
        client.server_side.sendall(b"x")
        with Connections().request(ADDRESS) as request:
            request.arrived += 60
            return request.has_left()

    monkeypatch.setattr(connections, "_LONGEST_DELAY_SECONDS", 0)
    wait_until(is_answered)
    monkeypatch.setattr(connections, "_LONGEST_DELAY_SECONDS", 600)
    with Connections().request(ADDRESS) as second:
        assert not second.has_left()


@pytest.mark.parametrize(
    ("host", "dual", "address", "of_granian"),
    [("::1", False, "::1", "::1"), ("::", True, "127.0.0.1", "::ffff:127.0.0.1")],
    ids=["IPv6", "IPv4 at a socket of both"],
)
def test_a_client_of_ipv6_is_known_by_its_address(host, dual, address, of_granian):
    with socket.create_server((host, 0), family=socket.AF_INET6, dualstack_ipv6=dual) as listening:
        own = socket.create_connection((address, listening.getsockname()[1]))
        server_side, _ = listening.accept()
        own.sendall(b"GET / HTTP/1.1\r\n\r\n")
        server_side.recv(100)
        arrived = time.monotonic()
        assert not has_left(arrived, of_granian)
        own.close()
        server_side.close()
        assert has_left(arrived, of_granian)


def test_an_outgoing_connection_is_no_clients(listening):
    """For example, a connection to PostgreSQL on the same machine."""
    with socket.create_server((ADDRESS, 0)) as database:
        client, outgoing = Client(listening), Client(database)
        client.leave()
        port = database.getsockname()[1]
        database.close()  # another process listens there
        assert outgoing.own.getpeername()[1] == port
        assert client.has_left()
        outgoing.leave()


def test_without_its_times_a_connection_may_be_that_of_any_request(client, monkeypatch):
    monkeypatch.setattr(connections, "_LONGEST_DELAY_SECONDS", 0)
    wait_until(lambda: has_left(client.arrived - 60))  # when a millisecond has passed
    monkeypatch.setattr(connections, "_TCP_INFO", _Told(connections._TCP_INFO, times=False))
    assert not has_left(client.arrived - 60)


def test_a_kernel_that_does_not_tell_who_listens_tells_nothing(client, monkeypatch):
    client.leave()
    assert client.has_left()
    monkeypatch.setattr(connections, "_TCP_INFO", _Told(connections._TCP_INFO, states=False))
    assert not client.has_left()


class _Told:
    """What a sandbox may tell of a connection."""

    def __init__(self, layout, *, states=True, times=True):
        self.layout, self.size, self.states, self.times = layout, layout.size, states, times

    def unpack(self, info):
        state, *times = self.layout.unpack(info)
        return state * self.states, *(time * self.times for time in times)


def test_another_system_tells_nothing(listening, client, monkeypatch):
    client.leave()
    other = Client(listening, OTHER_ADDRESS)
    assert client.has_left()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not client.has_left()
    other.leave()


def test_a_short_wait_is_not_looked_at(client, monkeypatch):
    monkeypatch.setattr(connections, "LOOK_AFTER_SECONDS", 600)
    client.leave()
    assert not client.has_left()


def test_a_look_serves_all_requests_for_a_moment(client, monkeypatch):
    monkeypatch.setattr(connections, "_FRESH_SECONDS", 600)
    shared = Connections()
    assert not has_left(client.arrived, connections=shared)
    client.leave()
    assert not has_left(client.arrived, connections=shared)
    assert client.has_left()


@pytest.mark.parametrize("leaves", [True, False])
def test_the_request_in_the_queue_is_not_run(client, leaves):
    slots, ran, statuses = Slots(1, seconds=600), [], []

    def run(protocol, environ):
        ran.append(environ["PATH_INFO"])
        return 200

    first = bodies.BodiesFirst(run, lambda *_: 503, slots=slots)
    with slots.take():
        environ = {"PATH_INFO": "/api/transfers", "REMOTE_ADDR": ADDRESS}
        waiting = threading.Thread(target=lambda: statuses.append(first(object(), environ)), daemon=True)
        client.send()
        waiting.start()
        wait_until(lambda: len(slots._queue) == 1)
        if leaves:
            client.leave()
    waiting.join()
    assert (statuses, ran) == (([503], []) if leaves else ([200], ["/api/transfers"]))
    assert slots.free == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("leaves", [True, False])
def test_the_request_that_waited_for_a_connection_is_not_run(monkeypatch, leaves):
    monkeypatch.setattr(base, "_LONG_SECONDS", -1)
    refused, ended = [], threading.Event()

    def ask():
        try:
            with in_use.asked_by(lambda: leaves):
                connection.ensure_connection()
        except OperationalError as error:
            refused.append(str(error))
        finally:
            ended.set()
            connection.close()

    with full_pool(timeout=600) as give_one_back:
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        wait_until(lambda: asking.ident in in_use.waiting_threads())
        give_one_back()
        assert ended.wait(60)
        asking.join()
        assert bool(refused) == leaves
        connection.ensure_connection()  # it went back to the pool
    assert in_use.has_client_left() is False
