"""Answers that are sent in parts, so that a client that reads slowly takes neither a slot nor a database connection.

granian passes on an answer in one piece at once, but its thread waits for the client between the parts of an iterator.
So an answer is first produced in its slot, as far as memory allows. Then the slot is given back and the parts are sent:

- up to SENT_WHOLE_BYTES: in one piece.
- up to MADE_WHOLE_BYTES: whole in memory, with a Content-Length, so that a client does not take a broken connection for
the end.
- above: the rest is produced while it is sent, and its database connection stays in use. Files are sent this way, too.

The last two kinds need one of a few permits. If none is free, the answer is 503. It is also 503 if the database
connection is lost before the first part is sent.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from prometheus_client import Counter

from config.server import admission
from config.server.admission import Slot
from oauth.infrastructure import outage

logger = logging.getLogger(__name__)

SENT_WHOLE_BYTES = 256 * 1024
MADE_WHOLE_BYTES = 8 * 1024 * 1024
#: The number of permits of each worker process: for answers from the database, and for files.
MOST_STREAMS, MOST_FILES = 4, 64
#: The time that a client may take, plus one second for each SLOWEST_BYTES.
GRACE_SECONDS = 30.0
SLOWEST_BYTES = 16 * 1024

slow_readers = Counter("http_slow_readers_total", "Answers that ended because the client read them too slowly.")

Headers = list[tuple[str, str]]


class Body(Protocol):
    """granian's ResponseIterWrap."""

    def __next__(self) -> bytes: ...
    def close(self) -> None: ...


class Permits:
    def __init__(self, streams: int = MOST_STREAMS, files: int = MOST_FILES) -> None:
        self.streams, self.files = threading.Semaphore(streams), threading.Semaphore(files)


class Sender:
    """granian's protocol object of one request, with the same two methods. `refuse` answers 503."""

    def __init__(self, protocol: Any, slot: Slot, permits: Permits, refuse: Callable[[], object]) -> None:
        self._protocol, self._slot, self._permits, self._refuse = protocol, slot, permits, refuse

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        self._protocol.response_bytes(status, headers, body)

    def response_iter(self, status: int, headers: Headers, body: Body) -> None:
        body = _ClosedOnce(body)
        try:
            self._respond(status, headers, body)
        except _Lost:
            self._refuse()
        finally:
            body.close()

    def _respond(self, status: int, headers: Headers, body: Body) -> None:
        made, is_whole = _made(body, SENT_WHOLE_BYTES)
        if is_whole:
            body.close()
            self._protocol.response_bytes(status, _with_length(headers, made), b"".join(made))
            return
        is_file = any(name.lower() == "content-length" for name, _ in headers)
        permit = self._permits.files if is_file else self._permits.streams
        if not permit.acquire(blocking=False):
            admission.refused.labels("too many streams").inc()
            self._refuse()
            return
        try:
            self._send(status, headers, made, body, is_file=is_file)
        finally:
            permit.release()

    def _send(self, status: int, headers: Headers, made: list[bytes], body: Body, *, is_file: bool) -> None:
        is_whole = False
        if not is_file:
            more, is_whole = _made(body, MADE_WHOLE_BYTES - sum(map(len, made)))
            made += more
        if is_whole:
            body.close()  # which gives the database connection back
            headers = _with_length(headers, made)
        self._slot.give_back()
        rest: Iterable[bytes] = () if is_whole else _parts(body)
        # Without a Content-Length the client cannot see that something is missing, so such an answer is never
        # truncated.
        deadline = _Deadline() if is_whole or is_file else None
        self._protocol.response_iter(status, headers, _Sent(made, rest, deadline))


class _Lost(Exception):
    """The database was lost before the first part was sent."""


class _ClosedOnce:
    """Django sends request_finished each time a response is closed, so it must be closed only once."""

    def __init__(self, body: Body) -> None:
        self._body, self._is_open = body, True

    def __next__(self) -> bytes:
        return self._body.__next__()

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._body.close()


class _Deadline:
    def __init__(self) -> None:
        self.began, self.sent = time.monotonic(), 0

    def is_over(self) -> bool:
        return time.monotonic() - self.began > GRACE_SECONDS + self.sent / SLOWEST_BYTES


class _Sent:
    """The iterator from which granian takes the next part when the client can receive more."""

    def __init__(self, made: list[bytes], rest: Iterable[bytes], deadline: _Deadline | None) -> None:
        self._made, self._rest, self._deadline = deque(made), iter(rest), deadline

    def __next__(self) -> bytes:
        if self._deadline is not None and self._deadline.is_over():
            slow_readers.inc()
            raise StopIteration  # less than its Content-Length, so granian closes the connection
        part = self._made.popleft() if self._made else next(self._rest)
        if self._deadline is not None:
            self._deadline.sent += len(part)
        return part

    def close(self) -> None:
        """`response_iter` closes the body."""


def _made(body: Body, most: int) -> tuple[list[bytes], bool]:
    """Takes parts until they have more than `most` bytes. Returns the parts, and whether the answer is complete. Raises
    _Lost.
    """
    parts, size = [], 0
    try:
        for part in _parts(body):
            parts.append(part)
            size += len(part)
            if size > most:
                return parts, False
    except outage.ERRORS as error:
        logger.error("The database was lost while an answer was made: %s: %s", type(error).__name__, error)
        raise _Lost from error
    return parts, True


def _parts(body: Body) -> Iterator[bytes]:
    while True:
        try:
            yield body.__next__()
        except StopIteration:
            return


def _with_length(headers: Headers, parts: list[bytes]) -> Headers:
    """RFC 9110 §8.6. An answer without content, such as to HEAD, gets no Content-Length."""
    if not parts or any(name.lower() == "content-length" for name, _ in headers):
        return headers
    return [*headers, ("Content-Length", str(sum(map(len, parts))))]
