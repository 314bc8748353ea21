"""The database's clock for commands of manage.py, such as the background worker. In `serve`, the watch measures it.

Without it, a host whose clock is wrong around midnight would make due payments and close a day at the wrong time.
"""

import threading
import time

from oauth.infrastructure import clock

MEASURED_FOR_SECONDS = 30.0


class Measured:
    """By how many seconds this host's clock is ahead. Measured only when asked, on a connection of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds_ahead = 0.0
        self._until = 0.0  # of time.monotonic()

    def __call__(self) -> float:
        with self._lock:
            if time.monotonic() >= self._until:
                self._measure()
            return self._seconds_ahead

    def _measure(self) -> None:
        from config.database import watch  # the settings are loaded by now
        from config.database.waiting import Away

        probe = watch.probe()
        try:
            answer = probe.ask()
        except Away:
            return  # the last measurement applies, and the next call tries again
        finally:
            probe.close()
        if answer is not None:
            self._seconds_ahead = answer.clock_skew_seconds if watch.is_skewed(answer) else 0.0
            self._until = time.monotonic() + MEASURED_FOR_SECONDS


def use() -> None:
    clock.measured_by(Measured())
