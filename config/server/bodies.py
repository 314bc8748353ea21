"""Reads the whole body of a request before the request takes one of the few slots for Django.

granian gives a request to a thread when its headers have arrived. The thread then waits for the body inside of granian,
where Python cannot interrupt it, so a few slow clients could block every thread. Here, many threads may wait for a
body, each for a limited time, and only some requests at a time continue to Django (config/server/admission.py). Probes
and documents from memory do not wait for other requests. Only a few requests that compute a password hash run at the
same time. If too many threads wait for a body, the longest wait ends: the body of an honest client arrives with the
headers or a round trip later.
"""

import logging
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any

from django.conf import settings
from granian.wsgi import ResponseIterWrap
from prometheus_client import Counter

from config.database import in_use
from config.metrics.probes import PROBES
from config.server import admission
from config.server.admission import Overloaded, Slots, State
from config.server.connections import Connections, Request
from config.server.streams import Permits, Sender

BODY_SECONDS = 10.0
# The maximum number of bodies that one worker process waits for. Its other threads are for complete requests.
MOST_WAITING = 512
# Larger bodies are refused here. Endpoints themselves refuse bodies above 64 KiB.
MOST_BYTES = 1024 * 1024
#: A body above the limit is read and dropped before the refusal if its declared length is at most this one. If it is
#: longer, or if no length is declared, the connection is closed.
MOST_DROPPED_BYTES = 16 * 1024 * 1024
_PART_BYTES = 256 * 1024
_TICK_SECONDS = 0.25
#: The environ key of a function that a view calls before it waits for something that has its own limit.
GIVE_SLOT_BACK = "countersign.give_slot_back"

slow_bodies = Counter("http_slow_bodies_total", "Connections closed because the body of a request did not arrive.")
logger = logging.getLogger(__name__)

Environ = dict[str, Any]
# The function that granian makes from a WSGI application: `(protocol, environ) -> status`.
Runner = Callable[[Any, Environ], int]


@dataclass(frozen=True, slots=True)
class Limited:
    """Forms of which a process handles only a few at the same time: each needs one of the `places`. `refuse` answers
    the others before they take a slot or reach Django, so a refusal costs almost nothing.
    """

    places: threading.Semaphore
    refuse: Runner
    reason: str  # for the metric


class BodiesFirst:
    """Calls `run` for each request with its whole body once it has one of the `slots`, otherwise `refuse`, which
    answers 503. A body may take `seconds`. A request without a body for one of the paths in `at_once` needs no slot.
    `limited` maps paths to forms that may be refused before that. `refuse_large` answers 413.
    """

    def __init__(
        self,
        run: Runner,
        refuse: Runner,
        *,
        slots: Slots,
        at_once: Collection[str] = PROBES,
        limited: Mapping[str, Limited] | None = None,
        refuse_large: Runner | None = None,
        seconds: float = BODY_SECONDS,
        most: int = MOST_WAITING,
    ) -> None:
        self.run, self.refuse, self.slots, self.at_once = run, refuse, slots, at_once
        self.limited = limited or {}
        self.refuse_large = refuse_large or partial(_refuse, status=413)
        self.permits, self.connections = Permits(), Connections()
        self.seconds, self.most = seconds, most
        # The bodies being waited for, by id of the protocol object, in the order in which they began, so the first one
        # times out first.
        self.waiting: dict[int, tuple[Any, float]] = {}
        self.lock = threading.Lock()
        threading.Thread(target=self._watch, name="slow-bodies", daemon=True).start()

    def __call__(self, protocol: Any, environ: Environ) -> int:
        if "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ:
            refused = self._read_body(protocol, environ)
            if refused:
                return refused
            limit = self.limited.get(environ["PATH_INFO"])
            if limit is not None and environ["REQUEST_METHOD"] == "POST":
                return self._run_limited(limit, protocol, environ)
        elif environ["PATH_INFO"] in self.at_once:
            return self.run(protocol, environ)
        return self._run_in_slot(protocol, environ)

    def _run_limited(self, limit: Limited, protocol: Any, environ: Environ) -> int:
        if not limit.places.acquire(blocking=False):
            admission.refused.labels(limit.reason).inc()
            return limit.refuse(protocol, environ)
        place = _Place(protocol, limit.places)
        try:
            return self._run_in_slot(place, environ)
        finally:
            place.give_back()

    def _run_in_slot(self, protocol: Any, environ: Environ) -> int:
        with self.connections.request(environ["REMOTE_ADDR"]) as request:
            try:
                slot = self.slots.take()
            except Overloaded:
                return self.refuse(protocol, environ)
            # If the slot was given back early, a part of the answer may have been sent.
            request.is_sending = lambda: slot.state is State.GIVEN_BACK
            has_left = partial(_has_left, request)
            with slot:
                if has_left():
                    return self.refuse(protocol, environ)
                environ[GIVE_SLOT_BACK] = slot.give_back
                with in_use.asked_by(has_left):
                    refuse = partial(self.refuse, protocol, environ)
                    return self.run(Sender(protocol, slot, self.permits, refuse), environ)

    def _read_body(self, protocol: Any, environ: Environ) -> int:
        """Puts the whole body into `environ`. Returns 0, or the status that the request was answered with."""
        declared = environ.get("CONTENT_LENGTH")
        if declared == "0":
            return 0
        if declared is not None and int(declared) > MOST_DROPPED_BYTES:
            return self.refuse_large(_Closing(protocol), environ)
        self._begin_to_wait(protocol)
        body = environ["wsgi.input"].read(MOST_BYTES + 1)
        is_too_large = len(body) > MOST_BYTES
        if is_too_large and declared is not None:
            # A proxy that cannot send the rest of the body considers the server broken.
            _drop_the_rest(environ["wsgi.input"])
        with self.lock:
            if self.waiting.pop(id(protocol), None) is None:
                return 408  # another thread has answered it meanwhile
        if is_too_large:
            return self.refuse_large(_Closing(protocol) if declared is None else protocol, environ)
        if declared is not None and len(body) != int(declared):
            # The client closed the connection. An incomplete form must not be processed.
            return _refuse(_Closing(protocol), environ, status=400)
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))
        return 0

    def _begin_to_wait(self, protocol: Any) -> None:
        oldest = None
        with self.lock:
            if len(self.waiting) >= self.most:
                oldest, _ = self.waiting.pop(next(iter(self.waiting)))
            self.waiting[id(protocol)] = (protocol, time.monotonic() + self.seconds)
        if oldest is not None:
            _cut_short(oldest)

    def _watch(self) -> None:
        while True:
            time.sleep(_TICK_SECONDS)
            for protocol in self._overdue(time.monotonic()):
                _cut_short(protocol)

    def _overdue(self, now: float) -> list[Any]:
        with self.lock:
            due = [key for key, (_, until) in self.waiting.items() if until <= now]
            return [self.waiting.pop(key)[0] for key in due]


def _has_left(request: Request) -> bool:
    """Whether the client closed the connection while its request waited for a slot or for the database, before any part
    of the answer was sent. Counts such a request as refused.
    """
    if request.is_sending() or not request.has_left():
        return False
    admission.refused.labels("client left").inc()
    return True


class _Place:
    """A place that a form has taken. Wraps granian's protocol object, and gives the place back before the answer is
    sent, because the client may send its next form as soon as it has this answer.
    """

    def __init__(self, protocol: Any, places: threading.Semaphore) -> None:
        self._protocol, self._places, self._is_taken = protocol, places, True

    def give_back(self) -> None:
        if self._is_taken:
            self._is_taken = False
            self._places.release()

    def response_bytes(self, *answer: Any) -> None:
        self.give_back()
        self._protocol.response_bytes(*answer)

    def response_iter(self, *answer: Any) -> None:
        self.give_back()
        self._protocol.response_iter(*answer)


class _LessThanItSaid:
    """A response body shorter than its Content-Length. It makes granian close the connection, which ends the thread's
    read of the request body. After a complete response, the read would continue."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"The request body did not arrive in time.\n"

    def close(self) -> None:
        pass


def _cut_short(protocol: Any) -> None:
    slow_bodies.inc()
    headers = [("Content-Type", "text/plain"), ("Connection", "close"), ("Content-Length", "64")]
    try:
        protocol.response_iter(408, headers, ResponseIterWrap(_LessThanItSaid()))
    except RuntimeError:  # the connection is gone
        logger.debug("A slow client had closed the connection.", exc_info=True)


def _drop_the_rest(body: Any) -> None:
    while body.read(_PART_BYTES):
        pass


class _Closing:
    """Wraps granian's protocol object. The connection is closed after the answer, because the body was not read."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self._protocol.response_bytes(status, [("Connection", "close"), *headers], body)


def _refuse(protocol: Any, environ: Environ, *, status: int) -> int:
    protocol.response_bytes(status, _for_scripts(environ), b"")
    return status


def _for_scripts(environ: Environ) -> list[tuple[str, str]]:
    """The headers that django-cors-headers adds to other answers, so that a script of a browser app can read the
    status.
    """
    is_cors = "HTTP_ORIGIN" in environ and re.match(settings.CORS_URLS_REGEX, environ["PATH_INFO"])
    return [("Access-Control-Allow-Origin", "*"), ("Vary", "origin")] if is_cors else []
