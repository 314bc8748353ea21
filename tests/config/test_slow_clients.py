"""Clients that send slowly (OWASP API4, CWE-400): against a real server with two threads, over raw sockets."""

import math
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
import requests

from tests.lib.database import url_of
from tests.lib.servers import Server, run, wait_until

SLOW_CLIENTS = 30  # of each kind
BODY_SECONDS = 20
SOON = 15.0  # seconds within which a request must be answered while all slow clients are still connected
CUT_OFF_SECONDS = 100.0  # far above `BODY_SECONDS`, for busy machines, and below the time limit of `make mutants`
HEAD = "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
SLOW = {
    "headers": HEAD + "X-Slow: ",
    "body": HEAD + "Content-Length: 1000\r\n\r\ngrant_type=",
    "chunks": HEAD + "Transfer-Encoding: chunked\r\n\r\nb\r\ngrant_type=\r\n",
    "nothing": "",
    "continue": HEAD + "Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n",
}


@dataclass(frozen=True)
class Slow:
    clients: dict[str, list[socket.socket]]
    seconds_to_answer_others: list[float]


pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.served]  # the server logs the refusal


@pytest.fixture(scope="module")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests, because the slow clients of one test must not affect the next test."""
    options = ("--workers", "1", "--threads", "2", "--body-seconds", str(BODY_SECONDS), "--idle-seconds", "5",
               "--write-seconds", "8")  # fmt: skip
    environment = {"DATABASE_URL": url_of()}
    with run("serve", *options, data_dir=tmp_path_factory.mktemp("slow"), environment=environment) as running:
        yield running


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0), timeout=60)


def took(server: Server, path: str) -> float:
    """Returns the seconds that a request took; infinite if the server was too busy to answer."""
    began = time.monotonic()
    try:
        answer = requests.request("POST" if path == "/oauth/token" else "GET", server.url + path, timeout=SOON * 2)
    except requests.Timeout:
        return math.inf
    return time.monotonic() - began if answer.status_code in (200, 400) else math.inf


def is_closed(connection: socket.socket, within: float) -> bool:
    """Whether the server closes the connection. It may send a response before."""
    connection.settimeout(within)
    try:
        while connection.recv(4096):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


@pytest.fixture(scope="module")
def slow(server: Server) -> Iterator[Slow]:
    """Opens slow clients of all kinds at the same time, so that the tests wait only once until the server closes
    them.
    """
    with ExitStack() as stack:
        clients = {kind: [stack.enter_context(connect(server)) for _ in range(SLOW_CLIENTS)] for kind in SLOW}
        for kind, connections in clients.items():
            for one in connections:
                one.sendall(SLOW[kind].encode())
        seconds = [took(server, path) for path in ("/health/live", "/health/ready", "/oauth/token", "/oauth/jwks")]
        for kind, connections in clients.items():  # a byte from time to time does not extend the time limit
            for one in connections:
                one.send(b"1\r\nx\r\n" if kind == "chunks" else b"x")
        yield Slow(clients, seconds)


@pytest.mark.parametrize("kind", SLOW)
def test_slow_clients_stop_nobody_and_are_cut_off(server: Server, slow: Slow, kind: str) -> None:
    assert max(slow.seconds_to_answer_others) < SOON
    assert all(is_closed(one, CUT_OFF_SECONDS) for one in slow.clients[kind])
    assert took(server, "/oauth/token") < SOON


def test_a_body_in_time_is_read_whole_in_either_form(server: Server) -> None:
    """RFC 9112 §6, §7.1. A request that arrives in pieces is answered like one that arrives whole."""
    for head, pieces in {
        "Content-Length: 22": ["grant_type=", "nonsense&x="],
        "Transfer-Encoding: chunked": ["b\r\ngrant_type=\r\n", "8\r\nnonsense\r\n0\r\n\r\n"],
    }.items():
        with connect(server) as connection:
            connection.sendall(f"{HEAD}Connection: close\r\n{head}\r\n\r\n".encode())
            for piece in pieces:
                time.sleep(0.3)
                connection.sendall(piece.encode())
            answer = connection.makefile("rb").read().decode()
            assert "No client credentials" in answer, answer


def test_half_a_body_is_not_taken_for_a_whole_one(server: Server) -> None:
    before = len(server.log)
    with connect(server) as connection:
        connection.sendall(f"{HEAD}Content-Length: 1000\r\n\r\ngrant_type=nonsense&client_id=gone".encode())
        connection.shutdown(socket.SHUT_WR)
        assert b"invalid_client" not in connection.makefile("rb").read()
    assert took(server, "/oauth/token") < SOON
    assert "token refused: invalid_client" not in server.log[before:]


def test_clients_that_do_not_read_stop_nobody_and_are_cut_off(server: Server) -> None:
    """More of them than threads ask for a large answer, and read nothing of it."""
    large = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
    assert len(requests.get(server.url + large, timeout=60).content) > 1_000_000
    with ExitStack() as stack:
        slow = []
        for _ in range(SLOW_CLIENTS):
            one = stack.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.connect(("127.0.0.1", urlsplit(server.url).port))
            one.sendall(f"GET {large} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: identity\r\n\r\n".encode())
            slow.append(one)
        for path in ("/health/live", "/health/ready", "/oauth/token", "/oauth/jwks", "/accounts/login/"):
            assert took(server, path) < SOON
        wait_until(lambda: all(is_gone(one) for one in slow))


def is_gone(connection: socket.socket) -> bool:
    """Whether the server has ended the connection: its kernel then answers new data with a reset. Does not read,
    because reading would open the TCP window.
    """
    try:
        connection.send(b"x")
    except ConnectionError:
        return True
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    return bool(poll.poll(100))


@pytest.mark.parametrize("length", [900_000, 12_000_000])
def test_a_large_body_is_read_before_it_is_refused(server: Server, length: int) -> None:
    """A proxy that cannot send the whole body considers the server broken and answers 502 to other clients."""
    with connect(server) as connection:
        head = f"{HEAD}Content-Length: {length}\r\n\r\n"
        connection.sendall(head.encode() + b"x" * length)
        answer = connection.makefile("rb")
        assert b" 413 " in answer.readline() or length < 1_048_576
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b'{"status": "ok"}' in answer.read()


@pytest.mark.parametrize("length", [2_000_000, 20_000_000])
def test_a_browser_shows_a_page_if_a_form_is_too_large(server: Server, length: int) -> None:
    """20 MB are refused without being read, so the connection is closed."""
    with connect(server) as connection:
        head = f"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
        connection.sendall(head.encode() + (b"x" * length if length < 16_000_000 else b""))
        answer = connection.makefile("rb")
        assert b" 413 " in answer.readline()
        rest = answer.read()  # until the server closes the connection
        assert b"This is too large" in rest
        assert (b"connection: close" in rest.lower()) == (length > 16_000_000)


@pytest.mark.parametrize("head", ["Content-Length: 1048577", "Transfer-Encoding: chunked"])
def test_a_body_without_end_is_refused(server: Server, head: str) -> None:
    with connect(server) as connection:
        connection.sendall(f"{HEAD}Origin: https://app.example\r\n{head}\r\n\r\n".encode())
        try:
            for _ in range(40):
                connection.sendall(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
        except ConnectionError:
            return
        answer = b"".join(_parts(connection))
        assert b" 413 " in answer.splitlines()[0]
        assert b"access-control-allow-origin: *" in answer.lower()  # a script must see the status, too


def _parts(connection: socket.socket) -> Iterator[bytes]:
    """What the server sends until it closes the connection. It may reset it, because it has not read everything."""
    with suppress(ConnectionError):
        while part := connection.recv(4096):
            yield part
