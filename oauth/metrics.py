"""Counters and latencies of the authorization server; the site serves them at /metrics."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import Counter, Gauge, Histogram

tokens_issued = Counter("oauth_tokens_issued_total", "Token responses, by grant type.", ["grant_type"])
refusals = Counter("oauth_refusals_total", "Refused protocol requests, by endpoint and error.", ["endpoint", "error"])
seconds = Histogram(
    "oauth_request_seconds",
    "Time to answer a protocol request, by endpoint, grant type and outcome (ok, or the error code).",
    ["endpoint", "grant_type", "outcome"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
backlog = Gauge(
    "oauth_cleanup_backlog", "Rows that cleanup may remove, by kind.", ["kind"], multiprocess_mode="mostrecent"
)


@dataclass(slots=True)
class Timer:
    """Filled in while the request is handled; values come from our own lists, never from the request."""

    grant_type: str = ""
    outcome: str = "ok"


@contextmanager
def timed(endpoint: str) -> Iterator[Timer]:
    timer, started = Timer(), time.perf_counter()
    try:
        yield timer
    except Exception:
        timer.outcome = "server_error"
        raise
    finally:
        seconds.labels(endpoint, timer.grant_type, timer.outcome).observe(time.perf_counter() - started)
