"""The endpoints for load balancers, orchestrators and Prometheus."""

import os
import socket
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import RequestFactory
from django.utils import timezone

from config.database import watch
from config.database.probe import Answer
from config.server import draining, health, heartbeats, probe_server
from config.server.proxy import behind_proxies
from oauth.keys import ring
from oauth.models import SigningKey
from tests.lib.database import full_pool
from tests.lib.servers import free_port


@pytest.fixture
def a_fresh_process(monkeypatch):
    """Forgets what a process keeps in memory: that the database is migrated, and the parsed keys."""
    monkeypatch.setattr(health, "_migrated", False)
    ring.forget()
    yield
    ring.forget()


def test_live_asks_nobody(client):
    """No database is allowed in this test."""
    response = client.get("/health/live")
    assert response.status_code == 200
    assert response.json() == {"status": "ok"}
    assert "no-store" in response["Cache-Control"]


def test_ready_names_every_check(client, db, a_fresh_process):
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "checks": {"database": "ok", "migrations": "ok", "signing_key": "ok", "accepting": "ok"},
    }
    assert "no-store" in response["Cache-Control"]


def test_a_missing_migration_is_not_ready(client, db, a_fresh_process):
    [newest] = MigrationLoader(connection).graph.leaf_nodes("oauth")
    MigrationRecorder(connection).record_unapplied(*newest)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"]["migrations"] == "failed"


def test_that_it_is_migrated_is_asked_once(client, db, a_fresh_process, django_assert_num_queries):
    client.get("/health/ready")
    with django_assert_num_queries(1):
        client.get("/health/ready")


def test_without_a_usable_signing_key_it_is_not_ready(client, db, a_fresh_process):
    SigningKey.objects.update(private_key_encrypted=b"encrypted under a key that was lost")
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"] == {
        "database": "ok",
        "migrations": "ok",
        "signing_key": "failed",
        "accepting": "ok",
    }


def test_without_a_free_connection_it_is_alive_but_not_ready(client, transactional_db, a_fresh_process):
    """On a real pool."""
    with full_pool():
        assert client.get("/health/live").status_code == 200
        response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"]["database"] == "failed"


def test_a_server_that_is_about_to_stop_is_not_ready(client, db, tmp_path, monkeypatch):
    """Load balancers choose another server before the worker processes stop."""
    monkeypatch.setenv(draining.VARIABLE, str(tmp_path / "draining"))
    assert client.get("/health/ready").status_code == 200
    draining.begin()
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"]["accepting"] == "failed"


class TestWatched:
    """In a process of `serve`, the answer comes from the watch over the database."""

    @pytest.fixture
    def found(self, monkeypatch):
        def found(reason="", skew=0.0, seconds_ago=0.0):
            state = watch.State(reason, Answer(skew, 0.001), time.monotonic() - seconds_ago)
            monkeypatch.setattr(watch, "current", SimpleNamespace(state=state))

        return found

    def test_it_names_what_is_down_and_asks_nobody(self, client, found):
        """No database is allowed in this test."""
        found("no answer")
        response = client.get("/health/ready")
        assert response.status_code == 503
        body = response.json()
        assert body["checks"] == {
            "accepting": "ok",
            "database": "failed",
            "migrations": "unknown",
            "signing_key": "unknown",
            "clock": "ok",
        }
        assert body["reasons"] == {"database": "no answer"}

    @pytest.mark.parametrize(("skew", "clock"), [(0.5, "ok"), (120.0, "skewed"), (-120.0, "skewed")])
    def test_it_shows_a_clock_that_is_off_and_stays_ready(self, client, db, found, skew, clock):
        found(skew=skew)
        response = client.get("/health/ready")
        assert response.status_code == 200
        body = response.json()
        assert (body["checks"]["clock"], body["clock_skew_seconds"]) == (clock, skew)

    def test_a_watch_that_is_stuck_is_not_believed(self, client, found, settings):
        found(seconds_ago=settings.DB_PROBE_TIMEOUT + health.SECONDS_OF_A_LOOK + 1)
        assert client.get("/health/ready").json()["reasons"] == {"database": "no answer"}


class TestPortOfItsOwn:
    @pytest.fixture
    def ask(self, monkeypatch, tmp_path):
        """Sends a probe to the health port of a server with a directory of heartbeats."""
        monkeypatch.setenv(heartbeats.VARIABLE, str(tmp_path))
        monkeypatch.setattr(heartbeats, "_serves", True)

        def ask(path):
            found = []
            [body] = probe_server.application(
                RequestFactory().get(path).environ, lambda status, headers: found.append(status)
            )
            return found[0], body

        return ask

    def test_a_server_without_a_worker_that_beats_is_not_alive(self, ask, tmp_path):
        assert ask("/health/live")[0].startswith("503 ")
        heartbeats.beat()
        assert ask("/health/live")[0].startswith("200 ")
        [beat] = tmp_path.glob("*.alive")
        old = time.monotonic() - heartbeats.SECONDS - 1
        os.utime(beat, (old, old))
        assert ask("/health/live")[0].startswith("503 ")

    @pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
    def test_it_listens_on_ipv4_and_on_ipv6(self, host):
        port = free_port()
        probe_server.start(host, port)
        with socket.create_connection((host, port)) as probe:
            probe.sendall(b"GET /nothing HTTP/1.0\r\n\r\n")
            assert b" 404 " in probe.makefile("rb").readline()

    def test_a_clock_that_is_corrected_makes_no_worker_look_dead(self, ask):
        heartbeats.beat()
        with time_machine.travel(timezone.now() + timedelta(hours=1)):
            assert ask("/health/live")[0].startswith("200 ")

    def test_it_has_nothing_but_the_probes(self, ask):
        assert ask("/oauth/jwks")[0].startswith("404 ")
        assert ask("/")[0].startswith("404 ")

    def test_metrics_are_for_the_same_networks(self, ask, settings, db):
        assert ask("/metrics")[0].startswith("200 ")
        settings.METRICS_NETWORKS = ["10.0.9.0/24"]
        assert ask("/metrics")[0].startswith("404 ")


def test_probes_come_with_an_address_as_host(client, db):
    for address in ("/health/live", "/health/ready", "/metrics"):
        assert client.get(address, headers={"host": "10.1.2.3:8000"}).status_code == 200


def test_probes_are_read_only(client):
    assert client.post("/health/live").status_code == 405


class TestMetrics:
    @pytest.fixture
    def read(self, client):
        def read(address: str, **headers: str):
            return client.get("/metrics", REMOTE_ADDR=address, headers=headers)

        return read

    def test_prometheus_reads_counters(self, read, client, db):
        client.post("/oauth/token")  # refused, and counted
        response = read("127.0.0.1")
        assert response.status_code == 200
        assert "oauth_refusals_total" in response.content.decode()
        assert "no-store" in response["Cache-Control"]

    @pytest.mark.parametrize("address", ["203.0.113.9", "10.0.0.1", "2001:db8::1", "", "unix"])
    def test_others_find_nothing(self, read, address):
        assert read(address).status_code == 404

    def test_the_operator_names_the_networks(self, read, settings, db):
        settings.METRICS_NETWORKS = ["10.0.9.0/24", "fd00::/64"]
        assert read("10.0.9.4").status_code == 200
        assert read("fd00::7").status_code == 200
        assert read("127.0.0.1").status_code == 404

    @pytest.mark.parametrize("header", ["HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR"])
    def test_a_proxy_that_nobody_named_does_not_open_them(self, client, header):
        """If nginx runs on the same machine and TRUSTED_PROXIES is not set, the address of the caller is unknown."""
        seen = {"REMOTE_ADDR": "127.0.0.1", header: "for=203.0.113.9"}
        behind_proxies(lambda *_: [], trusted=[])(seen, None)
        assert client.get("/metrics", **seen).status_code == 404

    def test_counters_of_all_workers_are_summed(self, tmp_path, monkeypatch, db):
        from prometheus_client.mmap_dict import MmapedDict, mmap_key

        for pid in (1, 2):
            values = MmapedDict(str(tmp_path / f"counter_{pid}.db"))
            values.write_value(mmap_key("things", "things_total", [], [], "Things."), 20 + pid, 0)
            values.close()
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
        response = health.metrics(RequestFactory().get("/metrics"))
        assert "things_total 43.0" in response.content.decode()
