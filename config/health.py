"""What the operator's machines ask: is it alive, is it ready, how much does it do."""

import os
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from psycopg_pool import PoolTimeout

from oauth import keys

_migrated = False


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Whether to send requests here: database, migrations, a key to sign with."""
    checks: dict[str, Callable[[], bool]] = {
        "database": _database_answers,
        "migrations": _is_migrated,
        "signing_key": keys.is_ready,
    }
    results = {name: _holds(check) for name, check in checks.items()}
    is_ready = all(results.values())
    body = {
        "status": "ok" if is_ready else "failed",
        "checks": {name: "ok" if ok else "failed" for name, ok in results.items()},
    }
    return JsonResponse(body, status=HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text format, summed over the workers; only for METRICS_NETWORKS."""
    address = ip_address(request.META["REMOTE_ADDR"])
    if not any(address in network for network in _metrics_networks()):
        raise Http404
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _holds(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (DatabaseError, PoolTimeout):
        return False


def _database_answers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True


def _is_migrated() -> bool:
    """A migration is never undone under a running process, so a yes is remembered."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated


@cache
def _metrics_networks() -> list:
    return [ip_network(network) for network in settings.METRICS_NETWORKS]
