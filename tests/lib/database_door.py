"""A TCP proxy in front of the tests' PostgreSQL, for a process whose user may not use its socket."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import parse_qs, urlsplit

READ_BYTES = 65_536


@contextmanager
def by_tcp(url: str) -> Iterator[str]:
    """The URL of the database through the proxy. `{user}` in it is a placeholder for the role."""
    parts = urlsplit(url)
    if parts.hostname:  # DATABASE_URL of the tests names a server with TCP
        yield parts._replace(netloc=f"{{user}}@{parts.netloc.rpartition('@')[2]}").geturl()
        return
    folder = parse_qs(parts.query)["host"][0]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=_accept, args=[listener, f"{folder}/.s.PGSQL.5432"])
        accepting.start()
        try:
            yield f"postgresql://{{user}}@127.0.0.1:{listener.getsockname()[1]}{parts.path}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()


def _accept(listener: socket.socket, path: str) -> None:
    threads = []
    with suppress(OSError):  # the listener was closed
        while True:
            near, _ = listener.accept()
            threads.append(threading.Thread(target=_serve, args=[near, path]))
            threads[-1].start()
    for thread in threads:
        thread.join()


def _serve(near: socket.socket, path: str) -> None:
    with near, socket.socket(socket.AF_UNIX) as far:
        far.connect(path)
        answers = threading.Thread(target=_pass_on, args=[far, near])
        answers.start()
        _pass_on(near, far)
        answers.join()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while said := one.recv(READ_BYTES):
            other.sendall(said)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)
