"""A proxy between the site and PostgreSQL that loses a message at the COMMIT of a transfer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from django.db import connection

from tests.lib.database import reconnected

READ_BYTES = 65536


@dataclass
class Losses:
    """Loses one message. `lose`: "answer" - the transfer is committed, but the site gets no answer; "request" -
    PostgreSQL never receives the COMMIT.
    """

    lose: str
    happened: threading.Event = field(default_factory=threading.Event)


@contextmanager
def through_a_network_that_loses(what: str) -> Iterator[Losses]:
    """Context manager: inside it, this process connects through the proxy that loses messages."""
    losses = Losses(what)
    server = connection.get_connection_params()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        accepting = threading.Thread(target=_accept, args=[listener, server["host"], int(server["port"]), losses])
        accepting.start()
        try:
            with reconnected(HOST="127.0.0.1", PORT=str(port)):
                yield losses
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()


def _accept(listener: socket.socket, host: str, port: int, losses: Losses) -> None:
    with suppress(OSError):  # the test has ended
        while True:
            near, _ = listener.accept()
            threading.Thread(target=_serve, args=[near, _connect(host, port), losses]).start()


def _serve(near: socket.socket, far: socket.socket, losses: Losses) -> None:
    is_committing = threading.Event()
    answers = threading.Thread(target=_answers, args=[near, far, losses, is_committing])
    with near, far:
        answers.start()
        _requests(near, far, losses, is_committing)
        answers.join()


def _connect(host: str, port: int) -> socket.socket:
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    unix = socket.socket(socket.AF_UNIX)
    unix.connect(f"{host}/.s.PGSQL.{port}")
    return unix


def _requests(near: socket.socket, far: socket.socket, losses: Losses, is_committing: threading.Event) -> None:
    has_transfer = is_at_once = False
    with suppress(OSError):
        while said := near.recv(READ_BYTES):
            # A transfer that is a single statement commits when the prepared statement is run.
            is_commit = is_at_once or (has_transfer and b"COMMIT" in said)
            has_transfer = has_transfer or b"post_transfer(" in said
            is_at_once = is_at_once or b"or_undone(" in said
            if is_commit and not losses.happened.is_set():
                if losses.lose == "request":
                    losses.happened.set()
                    break
                is_committing.set()
            far.sendall(said)
    _hang_up(near, far)


def _answers(near: socket.socket, far: socket.socket, losses: Losses, is_committing: threading.Event) -> None:
    with suppress(OSError):
        while said := far.recv(READ_BYTES):
            if is_committing.is_set():
                assert b"COMMIT" in said or b"SELECT 1" in said  # CommandComplete
                losses.happened.set()
                break
            near.sendall(said)
    _hang_up(near, far)


def _hang_up(*sides: socket.socket) -> None:
    for side in sides:
        with suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
