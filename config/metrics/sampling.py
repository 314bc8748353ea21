"""Figures that a worker process collects about itself every SECONDS: its connections and its cache hits.

They are not collected at /metrics, because another process may answer there, nor in requests, because a request waits
while the pool is exhausted.
"""

import threading
import time
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db import connections as django_connections
from prometheus_client import Counter, Gauge

from oauth.infrastructure import caches

SECONDS = 2.0

connections = Gauge(
    "database_pool_connections",
    "Connections of the pools, by state: in_use or idle. All pools together may have DB_POOL_MAX for each process.",
    ["state"],
    multiprocess_mode="livesum",
)
waiting = Gauge(
    "database_pool_requests_waiting", "Requests that wait for a database connection.", multiprocess_mode="livesum"
)
timeouts = Counter("database_pool_timeouts_total", "Requests that got no database connection in DB_POOL_TIMEOUT.")
lookups = Counter(
    "cache_lookups_total", "Lookups in the memory of the processes, by cache and outcome: hit or miss.",
    ["cache", "outcome"],
)  # fmt: skip


class Sampler:
    """Remembers the last values, so that each sample adds the difference."""

    def __init__(self) -> None:
        self._counted: dict[tuple[str, str], int] = {}
        self._timeouts = 0

    def start(self) -> None:
        threading.Thread(target=self._run, name="metrics", daemon=True).start()

    def sample(self) -> None:
        self._sample_pool()
        for name, hits, misses in caches.lookups():
            self._count(name, "hit", hits)
            self._count(name, "miss", misses)

    def _run(self) -> None:
        while True:
            self.sample()
            time.sleep(SECONDS)

    def _sample_pool(self) -> None:
        # The pool of the process, if it exists already; `connection.pool` would create it.
        wrapper: Any = django_connections[DEFAULT_DB_ALIAS]
        pool = getattr(wrapper, "_connection_pools", {}).get(DEFAULT_DB_ALIAS)
        if pool is None:
            return
        stats = pool.get_stats()
        idle = stats.get("pool_available", 0)
        connections.labels("idle").set(idle)
        connections.labels("in_use").set(stats.get("pool_size", 0) - idle)
        waiting.set(stats.get("requests_waiting", 0))
        errors = stats.get("requests_errors", 0)
        timeouts.inc(max(0, errors - self._timeouts))
        self._timeouts = errors

    def _count(self, name: str, outcome: str, total: int) -> None:
        before = self._counted.get((name, outcome), 0)
        if total != before:
            lookups.labels(name, outcome).inc(total - before)
            self._counted[name, outcome] = total
