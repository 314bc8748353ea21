"""In each background worker, sends at most one message at a time to a receiver, and pauses after slow responses.

Otherwise messages to an unresponsive receiver would block all threads of the lane for five seconds each, and delay
messages to others. A postponed message blocks no thread: its job runs again later.
"""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

#: A receiver is slow if it takes longer than this to respond. A message waits at most this long for the previous one.
PATIENCE_SECONDS = 1.0
#: After a slow response, the pause is this many times as long as the response took, so a slow receiver uses at most a
#: fifth of one thread.
PAUSE = 4


class Postponed(Exception):
    """The message was not sent, because the receiver is busy or paused."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The receiver responds slowly. Trying again in {seconds:.0f} seconds.")
        self.seconds = seconds


@dataclass(slots=True)
class _Receiver:
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_slow: bool = False
    paused_until: float = 0.0  # a time of time.monotonic()


_receivers: dict[str, _Receiver] = {}


@contextmanager
def turn(receiver: str) -> Iterator[None]:
    """Inside this context, a message may be sent. Raises Postponed if the receiver is paused, or if another message to
    it takes long.
    """
    one = _receivers.setdefault(receiver, _Receiver())
    _check_pause(one)
    if not one.lock.acquire(timeout=0 if one.is_slow else PATIENCE_SECONDS):
        one.is_slow = True  # so that later messages do not wait
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
    """Randomizes a delay, so that postponed messages are not all sent at once."""
    return seconds * (1 + random.random())  # noqa: S311
