"""The circuit breaker in front of the database: while the watch finds the database unreachable, no request waits for
it.

No library such as pybreaker is used: libraries count failed calls, so a request would have to wait for its deadline to
learn that the database is still unreachable. Here one probe a second finds out for all requests.
"""

import threading
import time

from psycopg import OperationalError

#: After an outage, the pool needs this long until its connections work again.
SECONDS_TO_RECONNECT = 3.0


class DatabaseAway(OperationalError):
    """The request is refused without a query, because the database did not answer a moment ago."""


class Breaker:
    """While it is closed, requests may query the database. While it is open, they are refused at once."""

    def __init__(self) -> None:
        self.reason = ""
        #: A value of time.monotonic(); None before the first answer.
        self.last_answer_at: float | None = None
        #: The last answer before the newest outage, and the end of that outage.
        self._answer_before: float | None = None
        self._closed_at: float | None = None
        #: Set when a request had an error that may mean an outage. The watch then probes the database at once.
        self.suspected = threading.Event()

    @property
    def is_open(self) -> bool:
        return bool(self.reason)

    def check(self) -> None:
        """Raises DatabaseAway, which Django turns into its own OperationalError."""
        if self.reason:
            raise DatabaseAway(f"The database is unreachable ({self.reason}). A later request may succeed.")

    def answered_at(self) -> float | None:
        """When the database last answered, as a value of time.monotonic(). During an outage and until the pool has
        reconnected, this is the last answer before the outage, because the cached data of this process date from then.
        """
        if self.is_open or self._is_reconnecting():
            return self._answer_before
        return self.last_answer_at

    def open(self, reason: str) -> None:
        if not self.is_open and not self._is_reconnecting():
            self._answer_before = self.last_answer_at
        self.reason = reason

    def close(self) -> None:
        if self.is_open:
            self._closed_at = time.monotonic()
        self.reason = ""

    def _is_reconnecting(self) -> bool:
        return self._closed_at is not None and time.monotonic() - self._closed_at < SECONDS_TO_RECONNECT

    def answered(self) -> None:
        self.last_answer_at = time.monotonic()


breaker = Breaker()
