"""At most one message is on the way to an app at a time, in each background worker, and a slow app has pauses.

Without that, the messages to an app that does not answer would take all threads of the lane for five seconds each, and
those to other apps would wait behind them. A postponed message costs nothing: its job comes again later.
"""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

#: An app that takes longer for an answer is slow. Nobody waits longer for the message before.
PATIENCE_SECONDS = 1.0
#: A slow app has a pause of so many times the time that it took, so it uses a fifth of one thread.
PAUSE = 4


class Postponed(Exception):
    """The app is busy or slow. This is not an attempt."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The app answers slowly; again in {seconds:.0f} seconds.")
        self.seconds = seconds


@dataclass(slots=True)
class _App:
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_slow: bool = False
    paused_until: float = 0.0  # of time.monotonic()


_apps: dict[str, _App] = {}


@contextmanager
def turn(client: str) -> Iterator[None]:
    """Raises Postponed if the app has a pause, or if a message to it takes long."""
    app = _apps.setdefault(client, _App())
    _check_pause(app)
    if not app.lock.acquire(timeout=0 if app.is_slow else PATIENCE_SECONDS):
        app.is_slow = True  # so the next ones do not wait
        raise Postponed(_spread(PAUSE * PATIENCE_SECONDS))
    try:
        _check_pause(app)
        began = time.monotonic()
        try:
            yield
        finally:
            took = time.monotonic() - began
            app.is_slow = took > PATIENCE_SECONDS
            app.paused_until = time.monotonic() + PAUSE * took if app.is_slow else 0.0
    finally:
        app.lock.release()


def _check_pause(app: _App) -> None:
    left = app.paused_until - time.monotonic()
    if left > 0:
        raise Postponed(_spread(left))


def _spread(seconds: float) -> float:
    """So that the postponed messages do not all come again at once."""
    return seconds * (1 + random.random())  # noqa: S311
