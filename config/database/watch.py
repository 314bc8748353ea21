"""Probes the database once a second (a “look”), opens and closes the breaker, and ends statements that get no answer.

It runs in one thread in each process of `serve`, with its own connection.
"""

import logging
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from prometheus_client import Counter, Gauge
from psycopg.conninfo import make_conninfo

from config.database import in_use
from config.database.breaker import Breaker, breaker
from config.database.probe import Answer, Probe
from config.database.waiting import Away
from oauth.infrastructure import clock, outage

INTERVAL_SECONDS = 1.0
#: An outage is two failures in a row. The second attempt is made at once. One failure may be a pause of this process or
#: a lost packet.
FAILURES = 2
_SECONDS_AFTER_A_SUSPICION = 0.05
#: A larger difference of clocks is reported. Times in proofs and assertions may differ by OAUTH["CLOCK_SKEW"], 30
#: seconds.
MOST_SKEW_SECONDS = 2.0

opened = Counter("database_breaker_opened_total", "Times that the circuit breaker opened.")
is_open = Gauge("database_breaker_open", "Processes whose circuit breaker is open.", multiprocess_mode="livesum")
cut_off = Counter("database_statements_cut_total", "Statements that were ended because the database did not answer.")
skew = Gauge(
    "database_clock_skew_seconds",
    "Difference between the clocks of this host and the database, without its sign.",
    multiprocess_mode="livemax",
)
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    """The result of the last look. `reason` is empty if the database answers."""

    reason: str
    answer: Answer | None
    looked_at: float  # of time.monotonic()

    @property
    def is_skewed(self) -> bool:
        return self.answer is not None and is_skewed(self.answer)


def is_skewed(answer: Answer) -> bool:
    return abs(answer.clock_skew_seconds) - answer.uncertainty_seconds > MOST_SKEW_SECONDS


class Watch:
    def __init__(
        self,
        probe: Probe,
        breaker: Breaker,
        after_look: Callable[[], None] = lambda: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.probe, self.breaker, self.after_look, self.now = probe, breaker, after_look, now
        self.state: State | None = None
        self.failures = 0
        #: How much the clock of this host is ahead of the database's; 0 while the difference is small.
        self.seconds_ahead = 0.0
        #: For each wait of a connection, how many looks found it, and when the first one did.
        self.waits: dict[Hashable, tuple[int, float]] = {}

    def run(self) -> None:
        while True:
            began = time.monotonic()
            try:
                self.look()
            except Exception:
                # If this loop raised an unexpected exception and ended, the breaker would keep its state forever.
                logger.exception("The thread that watches the database failed.")
                self.failures = 0
                self.breaker.close()
            failed_first = 0 < self.failures < FAILURES
            pause = 0.0 if failed_first else max(0.0, began + INTERVAL_SECONDS - time.monotonic())
            self._pause(pause)

    def look(self) -> None:
        try:
            answer = self.probe.ask()
        except Away as away:
            self._failed(str(away))
        else:
            self._answered(answer)
        self._end_overdue_statements()
        self.after_look()

    def measured(self) -> float:
        return self.seconds_ahead

    def _pause(self, seconds: float) -> None:
        """Pauses until the next look. A request that suspects an outage ends the pause, unless the breaker is already
        open.
        """
        if self.breaker.is_open:
            time.sleep(seconds)
        elif self.breaker.suspected.wait(seconds):
            time.sleep(_SECONDS_AFTER_A_SUSPICION)
        self.breaker.suspected.clear()

    def _failed(self, reason: str) -> None:
        self.failures += 1
        self.state = State(reason, self.state.answer if self.state else None, time.monotonic())
        if self.failures < FAILURES:
            return
        if not self.breaker.is_open:
            opened.inc()
            logger.error("The database is unreachable: %s. Requests that need it are answered 503.", reason)
            is_open.set(1)
            self.breaker.open(reason)
            _forget_idle_connections()
        for connection in in_use.held():
            if in_use.is_waiting(connection):
                cut_off.inc()
                in_use.cut(connection)

    def _answered(self, answer: Answer | None) -> None:
        if self.breaker.is_open:
            logger.warning("The database is back.")
        was_skewed = self.state is not None and self.state.is_skewed
        self.failures = 0
        self.breaker.answered()
        self.breaker.close()
        is_open.set(0)
        self.state = State("", answer, time.monotonic())
        if answer is not None:
            self.seconds_ahead = answer.clock_skew_seconds if self.state.is_skewed else 0.0
            skew.set(abs(answer.clock_skew_seconds))
            if self.state.is_skewed and not was_skewed:
                logger.error("The clock of this host differs from the database's by %.1f s.", answer.clock_skew_seconds)

    def _end_overdue_statements(self) -> None:
        """A statement is overdue if enough looks have found it and enough time has passed since the first of them. The
        time alone is not enough, because this process may have been suspended meanwhile. The number of looks alone is
        not enough, because a suspected outage makes the next look happen at once. A connection that waits for another
        statement at each look is busy, not overdue.
        """
        now, found, deadline = self.now(), in_use.waits(), settings.DB_STATEMENT_DEADLINE
        before = self.waits
        self.waits = {wait: (before[wait][0] + 1, before[wait][1]) if wait in before else (1, now) for wait in found}
        for wait, connection in found.items():
            checks, since = self.waits[wait]
            if checks > deadline / INTERVAL_SECONDS and now - since >= deadline:
                cut_off.inc()
                logger.error("A statement had no answer for %g s.", deadline)
                in_use.cut(connection)


#: The watch of this process; None in processes without one, such as commands.
current: Watch | None = None


def start(after_look: Callable[[], None] = lambda: None) -> Watch:
    """Starts to watch the default database. Call it once in a process."""
    global current
    current = Watch(probe(), breaker, after_look)
    outage.watched_by(breaker.answered_at)
    clock.measured_by(current.measured)
    threading.Thread(target=current.run, name="database-watch", daemon=True).start()
    return current


def _forget_idle_connections() -> None:
    """Closes idle connections of the pool. After an outage of the network, the server may have closed them without
    notice.
    """
    pool: Any = connections["default"].pool  # type: ignore[attr-defined]  # of Django's PostgreSQL backend
    if pool is not None and not pool.closed:
        pool.drain()


def probe() -> Probe:
    """Probes the default database."""
    return Probe(conninfo(), seconds=settings.DB_PROBE_TIMEOUT)


def conninfo(alias: str = DEFAULT_DB_ALIAS) -> str:
    """libpq's connection string for the database, without options that only psycopg knows."""
    parameters = dict(connections[alias].get_connection_params())
    for name in ("pool", "prepare_threshold", "cursor_factory", "context", "server_side_binding", "autocommit"):
        parameters.pop(name, None)
    parameters["application_name"] = "countersign watch"
    return make_conninfo(**parameters)
