"""Which requests are answered now, which ones wait, and which ones are refused at once.

A worker process answers `slots` requests at a time. Up to `most` others wait, each for at most `seconds`. A request
that finds the queue full, or has waited for so long, is refused with 503. A client gains nothing from an answer that
comes after it has given up, and a queue full of such requests never gets shorter.
"""

import threading
from collections import deque
from types import TracebackType

from prometheus_client import Counter, Gauge

#: Twice as long as a request waits for a database connection (DB_POOL_TIMEOUT).
QUEUE_SECONDS = 2.0
MOST_QUEUED = 128

waiting = Gauge("http_requests_waiting", "Requests that wait for a free thread.", multiprocess_mode="livesum")
refused = Counter("http_requests_refused_total", "Requests refused with 503 because of overload.", ["reason"])


class Overloaded(Exception):
    """The request is not run."""


class Slots:
    """`slots` at a time, first come, first served."""

    def __init__(self, slots: int, *, most: int = MOST_QUEUED, seconds: float = QUEUE_SECONDS) -> None:
        self.free, self.most, self.seconds = slots, most, seconds
        self._queue: deque[threading.Lock] = deque()
        self._lock = threading.Lock()

    def take(self) -> "Slot":
        """Raises Overloaded at once if too many wait, and after `seconds` without a free slot."""
        with self._lock:
            if self.free and not self._queue:
                self.free -= 1
                return Slot(self)
            if len(self._queue) >= self.most:
                refused.labels("queue full").inc()
                raise Overloaded
            turn = threading.Lock()
            turn.acquire()
            self._queue.append(turn)
            waiting.set(len(self._queue))
        if turn.acquire(timeout=self.seconds):
            return Slot(self)
        with self._lock:
            if turn not in self._queue:  # its turn came at this moment
                return Slot(self)
            self._queue.remove(turn)
            waiting.set(len(self._queue))
        refused.labels("waited too long").inc()
        raise Overloaded

    def give(self) -> None:
        """To the one who has waited longest, or back."""
        with self._lock:
            if self._queue:
                self._queue.popleft().release()
                waiting.set(len(self._queue))
            else:
                self.free += 1


class Slot:
    """Given back once: at the end of the `with` block, or before."""

    def __init__(self, slots: Slots) -> None:
        self._slots: Slots | None = slots

    def give_back(self) -> None:
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.give()

    def __enter__(self) -> "Slot":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.give_back()
