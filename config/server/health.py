"""The probes /health/live and /health/ready for load balancers, and /metrics for Prometheus.

They are answered at the port of the site and, with `serve --health-port`, also at a separate port
(config/server/probe_server.py).
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from banking.oversight import metrics as bank_metrics
from config.database import watch
from config.metrics import build, processes, queues
from config.server import heartbeats
from config.server.draining import is_draining
from config.server.proxy import UNKNOWN_PROXY
from oauth import keys
from oauth.infrastructure import outage
from oauth.operations import cleanup

SECONDS_BETWEEN_MEASUREMENTS = 60
#: A check of the database takes at most this much longer than DB_PROBE_TIMEOUT.
SECONDS_OF_A_LOOK = 5.0

#: The result of a check. A check that depends on the database is `unknown` while the database is down.
_NAMES = {True: "ok", False: "failed", None: "unknown"}

_migrated = False
_measured_at = float("-inf")


class ProbeMiddleware:
    """Answers before the Host header is checked, because load balancers and Prometheus send an IP address as Host."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return PROBES.get(request.path_info, self.get_response)(request)


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """200 if the process runs; at the separate port, if at least one worker process is alive."""
    if heartbeats.is_server() and not heartbeats.workers_alive():
        return JsonResponse({"status": "failed"}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Whether to send requests here: 200 only if every check passes. The answer lists each check.

    The clock is listed but does not affect the status: if the database's clock were wrong, no server would be ready.
    """
    state = _watched()
    database = _holds(_database_answers) if state is None else not state.reason
    results: dict[str, bool | None] = {"accepting": not is_draining(), "database": database}
    # Each of these checks would wait for the database again.
    results["migrations"] = _holds(_is_migrated) if database else None
    results["signing_key"] = _holds(keys.is_ready) if database else None
    if heartbeats.is_server():
        results["workers"] = heartbeats.workers_alive() > 0
    is_ready = all(results.values())
    checks = {name: _NAMES[result] for name, result in results.items()}
    body: dict[str, object] = {"status": "ok" if is_ready else "failed", "checks": checks}
    if state is not None and state.reason:
        body["reasons"] = {"database": state.reason}
    if state is not None and state.answer is not None:
        checks["clock"] = "skewed" if state.is_skewed else "ok"
        body["clock_skew_seconds"] = round(state.answer.clock_skew_seconds, 3)
    return JsonResponse(body, status=HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text format, summed over the worker processes, for METRICS_NETWORKS only."""
    if not _may_read_metrics(request):
        raise Http404
    _measure()
    build.show()
    registry = REGISTRY
    if directory := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        processes.forget_dead(directory)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


PROBES: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/health/live": live,
    "/health/ready": ready,
    "/metrics": metrics,
}


def _measure() -> None:
    """At most once a minute per process. Without the database, these metrics keep their last values."""
    global _measured_at
    if time.monotonic() - _measured_at < SECONDS_BETWEEN_MEASUREMENTS:
        return
    _measured_at = time.monotonic()
    with suppress(Error, *outage.OF_PSYCOPG):
        cleanup.measure_backlog()
        bank_metrics.measure()
        queues.measure()


def _may_read_metrics(request: HttpRequest) -> bool:
    if UNKNOWN_PROXY in request.META:
        return False  # the peer may be a proxy on this machine, whose IP address is not the client's
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:  # a Unix socket has no IP address
        return False
    return any(address in network for network in _networks(tuple(settings.METRICS_NETWORKS)))


@cache
def _networks(networks: tuple[str, ...]) -> list[IPv4Network | IPv6Network]:
    return [ip_network(network) for network in networks]


def _watched() -> watch.State | None:
    """The result of this process's watch, if it has one. It is available even while all connections are in use."""
    state = watch.current.state if watch.current is not None else None
    if state is not None and time.monotonic() - state.looked_at > settings.DB_PROBE_TIMEOUT + SECONDS_OF_A_LOOK:
        return replace(state, reason="no answer")  # the watch itself is waiting, for example for DNS
    return state


def _holds(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (Error, *outage.OF_PSYCOPG):
        return False


def _database_answers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True


def _is_migrated() -> bool:
    """Migrations are not reversed while a process runs, so a positive answer is cached."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated
