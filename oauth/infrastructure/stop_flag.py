"""Lets a signal handler tell its process to stop."""

import time

_TICK_SECONDS = 0.1


class StopFlag:
    """Has the methods of threading.Event, but no lock, so that a signal handler may set it at any moment.

    With threading.Event, the main thread may wait forever if two signals arrive at once: `wait` without a timeout may
    not notice the `set` of the handler, and a handler that interrupts `set` waits for the lock that `set` holds.
    """

    def __init__(self) -> None:
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True

    def clear(self) -> None:
        self._is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        """Returns whether the flag is set, at the latest after `timeout` seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self._is_set:
            left = _TICK_SECONDS if until is None else min(_TICK_SECONDS, until - time.monotonic())
            if left <= 0:
                break
            time.sleep(left)
        return self._is_set
