"""Decides which requests are answered now, which ones wait, and which ones are refused at once.

A worker process answers `slots` requests at a time. Up to `most` others wait, each for at most `seconds`. A request
that finds the queue full, or has waited for that long, is refused with 503. An answer is useless once the client has
given up, and a queue of such requests would never drain.

A request that waits for the database can lend its slot (config/server/lending.py).
"""

import threading
from collections import deque
from enum import Enum, auto
from types import TracebackType

from prometheus_client import Counter, Gauge

#: Twice as long as a request waits for a database connection (DB_POOL_TIMEOUT).
QUEUE_SECONDS = 2.0
MOST_QUEUED = 128
#: After this time, a request whose slot was lent continues without a slot, because the requests that hold the slots may
#: wait for something that it holds, such as a lock of this process.
TAKE_BACK_SECONDS = 0.25

waiting = Gauge("http_requests_waiting", "Requests that wait for a free thread.", multiprocess_mode="livesum")
refused = Counter("http_requests_refused_total", "Requests refused with 503 because of overload.", ["reason"])
lent = Counter("http_slots_lent_total", "Slots that a request lent to another one while it waited for the database.")


class Overloaded(Exception):
    """There is no slot for the request, so it must be refused."""


class Slots:
    """Lets `slots` requests run at a time, in the order of their arrival."""

    def __init__(self, slots: int, *, most: int = MOST_QUEUED, seconds: float = QUEUE_SECONDS) -> None:
        self.free, self.most, self.seconds = slots, most, seconds
        #: Set when a request begins to wait; `is_queue_empty` clears the event.
        self.queued = threading.Event()
        self._queue: deque[threading.Lock] = deque()
        self._held: dict[int, Slot] = {}  # by thread
        self._lock = threading.Lock()

    def take(self) -> "Slot":
        """Raises Overloaded at once if too many wait, and after `seconds` without a free slot."""
        with self._lock:
            if self.free and not self._queue:
                self.free -= 1
                return self._hold()
            if len(self._queue) >= self.most:
                refused.labels("queue full").inc()
                raise Overloaded
            turn = _turn()
            self._queue.append(turn)
            self._tell()
        if self._comes(turn, self.seconds):
            return self._hold()
        refused.labels("waited too long").inc()
        raise Overloaded

    def give_back(self, slot: "Slot") -> None:
        """Gives the slot to the request that has waited longest, if the slot has not been lent."""
        with self._lock:
            was, slot.state = slot.state, State.GIVEN_BACK
            if self._held.get(slot.thread) is slot:
                del self._held[slot.thread]
            if was is State.HELD:
                self._pass_on()

    def lend(self, thread: int) -> "Slot | None":
        """Passes the slot of a thread that waits for the database on to the queue, if a request is waiting there."""
        with self._lock:
            slot = self._held.get(thread)
            if slot is None or slot.state is not State.HELD or not self._queue:
                return None
            slot.state = State.LENT
            self._pass_on()
        lent.inc()
        return slot

    def take_back(self, slot: "Slot") -> None:
        """Takes a slot ahead of the queue, because running requests may wait for something that this request holds."""
        with self._lock:
            if slot.state is not State.LENT:
                return
            if self.free:
                self.free -= 1
                slot.state = State.HELD
                return
            turn = _turn()
            self._queue.appendleft(turn)
            self._tell()
        slot.state = State.HELD if self._comes(turn, TAKE_BACK_SECONDS) else State.GIVEN_BACK

    def is_queue_empty(self) -> bool:
        with self._lock:
            if not self._queue:
                self.queued.clear()
            return not self._queue

    def _hold(self) -> "Slot":
        slot = Slot(self)
        self._held[slot.thread] = slot
        return slot

    def _comes(self, turn: threading.Lock, seconds: float) -> bool:
        if turn.acquire(timeout=seconds):
            return True
        with self._lock:
            if turn not in self._queue:  # the slot arrived just now
                return True
            self._queue.remove(turn)
            waiting.set(len(self._queue))
        return False

    def _pass_on(self) -> None:
        if self._queue:
            self._queue.popleft().release()
            waiting.set(len(self._queue))
        else:
            self.free += 1

    def _tell(self) -> None:
        waiting.set(len(self._queue))
        if not self.queued.is_set():
            self.queued.set()


def _turn() -> threading.Lock:
    """Released when it is this request's turn."""
    turn = threading.Lock()
    turn.acquire()
    return turn


class State(Enum):
    HELD = auto()
    LENT = auto()
    GIVEN_BACK = auto()


class Slot:
    """A slot that a thread has taken. The slot is given back once: at the end of the `with` block, or before."""

    def __init__(self, slots: Slots) -> None:
        self._slots, self.thread, self.state = slots, threading.get_ident(), State.HELD

    def give_back(self) -> None:
        self._slots.give_back(self)

    def take_back(self) -> None:
        self._slots.take_back(self)

    def __enter__(self) -> "Slot":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.give_back()
