"""Counters and latencies of the authorization server, for /metrics."""

import time
from functools import cache

from prometheus_client import Counter, Gauge, Histogram

tokens_issued = Counter("oauth_tokens_issued_total", "Token responses, by grant type.", ["grant_type"])
refusals = Counter("oauth_refusals_total", "Refused protocol requests, by endpoint and error.", ["endpoint", "error"])
seconds = Histogram(
    "oauth_request_seconds",
    "Duration of a protocol request, by endpoint, grant type and outcome (ok, or the error code).",
    ["endpoint", "grant_type", "outcome"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
backlog = Gauge(
    "oauth_cleanup_backlog", "Rows that cleanup may remove, by kind.", ["kind"], multiprocess_mode="mostrecent"
)


def observe(endpoint: str, grant_type: str, outcome: str, *, since: float) -> None:
    """Counts a request that began at `since`, a value of time.perf_counter(). Labels must be from our own lists, never
    from the request.
    """
    _seconds_of(endpoint, grant_type, outcome).observe(time.perf_counter() - since)


# Cached, because prometheus_client validates the labels and looks up the series under a lock.
_seconds_of = cache(seconds.labels)
issued_by = cache(tokens_issued.labels)
