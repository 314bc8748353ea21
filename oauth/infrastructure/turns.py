"""In each background worker, at most one message at a time is on its way to a receiver, and a slow receiver gets
pauses.

Without that, the messages to a receiver that does not answer would take all threads of the lane for five seconds each,
and those to others would wait behind them. A postponed message takes no thread: its job runs again later.
"""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

#: A receiver that takes longer than this to answer counts as slow. A message waits no longer than this for the one
#: before it.
PATIENCE_SECONDS = 1.0
#: A slow receiver gets a pause of this many times the time that it took, so it uses a fifth of one thread.
PAUSE = 4


class Postponed(Exception):
    """The receiver is busy or slow. The message was not sent."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The receiver answers slowly; again in {seconds:.0f} seconds.")
        self.seconds = seconds


@dataclass(slots=True)
class _Receiver:
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_slow: bool = False
    paused_until: float = 0.0  # of time.monotonic()


_receivers: dict[str, _Receiver] = {}


@contextmanager
def turn(receiver: str) -> Iterator[None]:
    """Raises Postponed if the receiver has a pause, or if a message to it takes long."""
    one = _receivers.setdefault(receiver, _Receiver())
    _check_pause(one)
    if not one.lock.acquire(timeout=0 if one.is_slow else PATIENCE_SECONDS):
        one.is_slow = True  # so the next ones do not wait
        raise Postponed(_spread(PAUSE * PATIENCE_SECONDS))
    try:
        _check_pause(one)
        began = time.monotonic()
        try:
            yield
        finally:
            took = time.monotonic() - began
            one.is_slow = took > PATIENCE_SECONDS
            one.paused_until = time.monotonic() + PAUSE * took if one.is_slow else 0.0
    finally:
        one.lock.release()


def forget() -> None:
    _receivers.clear()


def _check_pause(one: _Receiver) -> None:
    left = one.paused_until - time.monotonic()
    if left > 0:
        raise Postponed(_spread(left))


def _spread(seconds: float) -> float:
    """So that the postponed messages do not all come again at once."""
    return seconds * (1 + random.random())  # noqa: S311
