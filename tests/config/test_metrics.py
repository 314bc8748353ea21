"""/metrics has all metrics that the alerts of Prometheus and the dashboards use."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from django.db import connection, connections
from django.http import HttpResponse
from django.test import Client as Browser
from django.test import RequestFactory
from procrastinate.contrib.django import app
from prometheus_client import REGISTRY

from config import VERSION
from config.metrics import processes, queues
from config.metrics.probes import PROBES
from config.metrics.requests import OTHER, MeasuredRequests
from config.metrics.sampling import Sampler
from oauth.infrastructure.caches import TTLCache
from oauth.operations.background_worker import lanes_of

PASSWORD = "correct-horse-battery"


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


class Difference:
    """How much a counter has grown since."""

    def __init__(self, name: str, **labels: str) -> None:
        self.name, self.labels, self.before = name, labels, value(name, **labels)

    def __call__(self) -> float:
        return value(self.name, **self.labels) - self.before


# --- requests


@pytest.mark.parametrize(
    ("path", "route"), [("/oauth/jwks", "oauth/jwks"), ("/accounts/login/", "accounts/login/"), ("/no/page", OTHER)]
)
@pytest.mark.django_db
def test_requests_are_measured_by_route(client: Browser, path: str, route: str) -> None:
    status = 404 if route is OTHER else 200
    grown = Difference("http_request_seconds_count", method="GET", route=route, status=str(status))
    assert client.get(path).status_code == status
    assert grown() == 1


@pytest.mark.django_db
def test_an_id_in_a_path_makes_no_series_of_its_own(client: Browser) -> None:
    client.get("/api/v1/accounts/0192f0c0-0000-7000-8000-000000000000")
    routes = {sample.labels.get("route", "") for metric in REGISTRY.collect() for sample in metric.samples}
    assert not [one for one in routes if "0192f0c0" in one]
    assert "api/v1/accounts/<uuid:pk>" in routes or any("api/v1/accounts/<" in one for one in routes)


@pytest.mark.django_db
def test_a_probe_is_no_request_of_the_objective(client: Browser) -> None:
    """Load balancers ask every second. No user sees their 503s, and their 200s would lower the share of errors."""
    for path in PROBES:
        client.get(path)
    routes = {sample.labels.get("route") for metric in REGISTRY.collect() for sample in metric.samples}
    before = Difference("http_request_seconds_count", method="GET", route=OTHER, status="200")
    client.get("/health/live")
    assert before() == 0
    assert not [one for one in routes if one and "health" in one]


def test_a_method_of_nobody_makes_no_series_of_its_own() -> None:
    grown = Difference("http_request_seconds_count", method=OTHER, route=OTHER, status="200")
    MeasuredRequests(lambda _request: HttpResponse())(RequestFactory().generic("BREW", "/"))
    assert grown() == 1


# --- logins


@pytest.mark.django_db
def test_logins_are_counted_by_outcome(client: Browser, django_user_model: Any) -> None:
    from allauth.account.models import EmailAddress

    user = django_user_model.objects.create_user("anna@bank.example", PASSWORD)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    wrong, right = Difference("logins_total", outcome="wrong"), Difference("logins_total", outcome="logged_in")
    client.post("/accounts/login/", {"login": user.email, "password": "no"})
    assert (wrong(), right()) == (1, 0)
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert (wrong(), right()) == (1, 1)


# --- samples of a process


def test_hits_and_misses_of_a_cache_are_counted_once() -> None:
    cache: TTLCache[str, int] = TTLCache(max_entries=2, name="of_a_test")
    hits, misses = (Difference("cache_lookups_total", cache="of_a_test", outcome=one) for one in ("hit", "miss"))
    sampler = Sampler()
    cache.get("a")
    cache.put("a", 1, 60)
    cache.get("a")
    cache.get("a")
    sampler.sample()
    sampler.sample()
    assert (hits(), misses()) == (2, 1)


def test_the_pool_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = {"pool_size": 5, "pool_available": 2, "requests_waiting": 7, "requests_errors": 3}
    pools = {"default": SimpleNamespace(get_stats=lambda: stats)}
    monkeypatch.setattr(type(connections["default"]), "_connection_pools", pools)
    grown = Difference("database_pool_timeouts_total")
    sampler = Sampler()
    sampler.sample()
    sampler.sample()
    assert value("database_pool_connections", state="in_use") == 3
    assert value("database_pool_connections", state="idle") == 2
    assert value("database_pool_requests_waiting") == 7
    assert grown() == 3


# --- queues


@pytest.mark.django_db
class TestQueues:
    def defer(self, queue: str, **change: Any) -> int:
        number = app.configure_task("oauth.of_a_test", queue=queue, allow_unknown=True).defer()
        for column, new in change.items():
            with connection.cursor() as cursor:
                cursor.execute(f"UPDATE procrastinate_jobs SET {column} = %s WHERE id = %s", [new, number])
        return number

    def test_the_number_of_waiting_jobs_and_the_age_of_the_oldest(self) -> None:
        number = self.defer("of_a_test")
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE procrastinate_events SET at = now() - interval '90 seconds' WHERE job_id = %s", [number]
            )
        self.defer("of_a_test")
        queues.measure()
        assert value("worker_jobs_waiting", queue="of_a_test") == 2
        assert 89 < value("worker_oldest_job_seconds", queue="of_a_test") < 95

    def test_a_queue_that_never_had_a_job_is_empty(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Otherwise its lines in the dashboard, and an alert about it, would have no data."""
        monkeypatch.setattr(queues, "_seen", set())
        queues.waiting.labels("mail").set(7)
        queues.measure()
        assert (value("worker_jobs_waiting", queue="mail"), value("worker_jobs_failed", queue="mail")) == (0, 0)

    def test_a_job_for_later_does_not_wait(self) -> None:
        self.defer("for_later", scheduled_at="2999-01-01T00:00:00Z")
        queues.measure()
        assert value("worker_jobs_waiting", queue="for_later") == 0

    def test_what_gave_up_is_counted_for_a_day(self) -> None:
        number = self.defer("given_up", status="failed")
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO procrastinate_events (job_id, type) VALUES (%s, 'failed')", [number])
        queues.measure()
        assert value("worker_jobs_failed", queue="given_up") == 1
        with connection.cursor() as cursor:
            cursor.execute("UPDATE procrastinate_events SET at = now() - interval '2 days' WHERE job_id = %s", [number])
        queues.measure()
        assert value("worker_jobs_failed", queue="given_up") == 0

    @pytest.mark.parametrize(("lanes_more", "processes_alive"), [(-1, 2), (0, 2), (1, 3)])
    def test_the_worker_processes_are_counted_and_not_their_lanes(self, lanes_more: int, processes_alive: int) -> None:
        """A process that has just started has the heartbeats of some of its lanes."""
        number = 2 * len(lanes_of(app, {})) + lanes_more
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO procrastinate_workers (last_heartbeat) SELECT now() FROM generate_series(1, %s)", [number]
            )
            cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '31 seconds')")
        queues.measure()
        assert value("workers_alive") == processes_alive


# --- several processes


def test_a_process_that_is_gone_counts_no_longer(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = ["gauge_livesum_{}.db", "counter_{}.db"]
    for name in names:
        (tmp_path / name.format(gone.pid)).touch()
        (tmp_path / name.format(os.getpid())).touch()
    processes.forget_dead(str(tmp_path))
    left = {file.name for file in tmp_path.iterdir()}
    assert left == {f"counter_{gone.pid}.db", *(name.format(os.getpid()) for name in names)}


# --- what is shipped with them

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "deploy/grafana/countersign.json"
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
#: Metrics of Prometheus itself.
OF_OTHERS = {"up"}


def exported() -> dict[str, set[str]]:
    """The metrics of this site and their labels, as Prometheus stores them."""
    for file in (
        file for package in ("accounts", "banking", "config", "oauth") for file in (ROOT / package).rglob("*.py")
    ):
        if "from prometheus_client import" in file.read_text():
            import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
    found: dict[str, set[str]] = {}
    for collector in set(REGISTRY._names_to_collectors.values()):
        labels = set(getattr(collector, "_labelnames", ()))
        for name, one in REGISTRY._names_to_collectors.items():
            if one is collector and hasattr(collector, "_labelnames"):
                found[name] = labels | ({"le"} if name.endswith("_bucket") else set())
    return found


def expressions() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    of_panels = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    return of_panels + [
        rule["expr"] for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
    ]


def selectors(expression: str) -> list[tuple[str, set[str]]]:
    """Each metric of a PromQL expression with the labels that it is selected by."""
    bare = re.sub(r"\b(?:by|without) ?\([^)]*\)|\[[^\]]*\]|countersign:[\w:]+", "", expression)
    return [
        (name, set(re.findall(r"(\w+)[=!]~?\"", labels)))
        for name, labels in re.findall(r"\b([a-z_]+_[a-z_0-9]+|up)\b(\{[^}]*\})?(?! ?\()", bare)
        if name not in ("histogram_quantile",)
    ]


def test_alerts_and_dashboard_ask_for_metrics_of_the_site() -> None:
    known = exported()
    asked = [(one, *selector) for one in expressions() for selector in selectors(one)]
    assert len({name for _, name, _ in asked}) > 20
    outside = re.compile("|".join(OF_OTHERS))
    assert [
        (one, name, labels) for one, name, labels in asked
        if not outside.fullmatch(name) and (name not in known or not labels <= known[name])
    ] == []  # fmt: skip


def test_they_group_by_labels_that_exist() -> None:
    labels = {label for one in exported().values() for label in one} | {"instance"}
    grouped = {
        label.strip() for one in expressions() for by in re.findall(r"\bby \(([^)]*)\)", one) for label in by.split(",")
    }
    assert grouped <= labels


def test_the_document_lists_every_metric_with_its_labels() -> None:
    text = (ROOT / "docs/monitoring.md").read_text()
    rows = re.findall(r"^\| `([a-z_]+)` \| ([^|]*)\|", text, re.M)
    listed = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    there = exported()
    ours = {
        re.sub(r"_(bucket|count|sum|created)$", "", name): labels - {"le"}
        for name, labels in there.items()
        if not name.endswith("_created") and name + "_total" not in there
    }
    assert {name: labels for name, labels in ours.items() if "of_a_test" not in name} == listed


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool (of Prometheus) is not installed")
def test_the_alerts_pass_their_unit_tests() -> None:
    done = subprocess.run(
        ["promtool", "test", "rules", "alerts_test.yml"], cwd=ALERTS.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_unit_test_and_says_what_to_do() -> None:
    alerts = set(re.findall(r"^\s+- alert: (\w+)$", ALERTS.read_text(), re.M))
    tested = set(re.findall(r"alertname: (\w+)", (ALERTS.parent / "alerts_test.yml").read_text()))
    assert alerts == tested
    assert ALERTS.read_text().count("action:") == len(alerts)


def test_the_version_is_that_of_the_release() -> None:
    assert f'version = "{VERSION}"' in (ROOT / "pyproject.toml").read_text()
