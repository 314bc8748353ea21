"""The table of faults of a site with one PostgreSQL behind nginx (docs/faults.md): `make faults`.

The faults happen one after another to the same site under load. After each fault, no acknowledged transfer is missing,
none was made twice, no family of refresh tokens has ended, and all clients are soon served again.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import requests

from config.database.watch import MOST_SKEW_SECONDS
from tests.faults import cluster
from tests.faults import site as sites
from tests.faults.fault import SECONDS, Fault, check
from tests.faults.load import Load
from tests.faults.site import Site
from tests.lib.servers import wait_until

#: The proxy checks once a second whether each server is ready.
SECONDS_UNTIL_THE_PROXY_KNOWS = 2.0
DISK_BYTES = 700 * 2**20
SKEWED = Path(__file__).with_name("skewed")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("faults")
    disk_bytes = DISK_BYTES if cluster.may_mount() else 0
    with sites.running(folder, cluster.running(folder / "database", disk_bytes=disk_bytes)) as site:
        yield site


# --- servers


def _kill_worker_process(site: Site) -> None:
    site.servers[0].workers()[0].kill()


def _kill_worker_processes(site: Site) -> None:
    for worker in site.servers[0].workers():
        worker.kill()


def _wait_for_server(site: Site) -> None:
    wait_until(site.servers[0].is_ready)


def _pause_worker_process(site: Site) -> None:
    site.servers[0].workers()[0].suspend()


def _resume_worker_processes(site: Site) -> None:
    for worker in site.servers[0].workers():
        worker.resume()


def replace_servers(site: Site) -> None:
    """Replaces the servers as docs/upgrading.md says."""
    for server in site.servers:
        server.restart()
        time.sleep(SECONDS_UNTIL_THE_PROXY_KNOWS)
    site.worker.stop()
    site.worker.start()


def _flood(site: Site, *, clients: int = 150, pause: float = 0) -> None:
    command = [sys.executable, Path(__file__).with_name("flood.py"), site.url, site.seed["access_token"]]
    given = map(str, [SECONDS, clients, pause])
    flood = subprocess.Popen([*command, *given], stdout=subprocess.PIPE)
    assert flood.stdout
    flood.stdout.readline()  # the worker has begun a job
    _flooding.append(flood)


def _wait_for_flood(_: Site) -> None:
    with _flooding.pop() as flood:
        flood.wait(60)


_flooding: list[subprocess.Popen[bytes]] = []


def _clock_is_ahead(seconds: float) -> Callable[[Site], None]:
    """Changes the clock of one of two hosts."""

    def begin(site: Site) -> None:
        path = os.pathsep.join([str(SKEWED), *filter(None, [os.environ.get("PYTHONPATH")])])
        site.servers[0].restart(PYTHONPATH=path, CLOCK_AHEAD_SECONDS=str(seconds))

    return begin


def _clock_is_right(site: Site) -> None:
    site.servers[0].restart(CLOCK_AHEAD_SECONDS="")


def _says_clock_is_ahead(site: Site) -> bool:
    health = requests.get(f"{site.servers[0].url}/health/ready", timeout=10).json()
    return bool(health["checks"]["clock"] == "skewed" and health["clock_skew_seconds"] > MOST_SKEW_SECONDS)


# --- PostgreSQL


def _kill_database_of_many(site: Site) -> None:
    """Kills the database under about 200 more requests a second: 40 clients that pause for a fifth of a second."""
    _flood(site, clients=40, pause=0.2)
    time.sleep(1)
    site.database.kill()


def _start_database_of_many(site: Site) -> None:
    site.database.start()
    _wait_for_flood(site)


def _restart_database(site: Site) -> None:
    site.database.stop()
    site.database.start()


_taken: list[psycopg.Connection[object]] = []


def _take_all_connections(site: Site) -> None:
    while True:
        try:
            _taken.append(psycopg.connect(site.database.url, connect_timeout=2))
        except psycopg.OperationalError:
            return


def _give_connections_back(_: Site) -> None:
    while _taken:
        _taken.pop().close()


def _fill_disk(site: Site) -> None:
    """Fills the whole disk while PostgreSQL writes to it."""
    block = b"x" * 2**16
    with (site.database.data / "filling").open("wb", buffering=0) as file, suppress(OSError):
        while file.write(block) == len(block):
            pass


def _empty_disk(site: Site) -> None:
    """PostgreSQL exits if it cannot write its WAL; an operator would then start it again."""
    (site.database.data / "filling").unlink()
    if not site.database.answers():
        if site.database.runs():
            site.database.stop("immediate")
        site.database.start()


def _without_disk(_: Site) -> str:
    return "" if cluster.may_mount() else "a separate disk for PostgreSQL needs root"


# --- clients

_sockets = ExitStack()
SLOW = {
    "headers": "POST /oauth/token HTTP/1.1\r\nHost: bank.example\r\nX-Slow: ",
    "bodies": "POST /oauth/token HTTP/1.1\r\nHost: bank.example\r\nContent-Length: 1000\r\n\r\ngrant_type=",
    "readers": "GET /static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js HTTP/1.1\r\n"
    "Host: bank.example\r\n\r\n",
}


def slow(kind: str, *, at_proxy: bool = False) -> Callable[[Site], None]:
    """Opens 60 slow connections, to the servers themselves or to the proxy."""

    def begin(site: Site) -> None:
        ports = [urlsplit(site.url).port] if at_proxy else [server.port for server in site.servers]
        for number in range(60):
            one = _sockets.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.connect(("127.0.0.1", ports[number % len(ports)]))
            one.sendall(SLOW[kind].encode())

    return begin


def close_sockets(_: Site) -> None:
    _sockets.close()


def large_bodies(site: Site) -> None:
    """Opens 20 connections that post 900 kB through the proxy, which may close them."""
    port = urlsplit(site.url).port
    head = (
        "POST /oauth/token HTTP/1.1\r\nHost: bank.example\r\nContent-Type: text/plain\r\nContent-Length: 900000\r\n\r\n"
    )
    for _ in range(20):
        one = _sockets.enter_context(socket.create_connection(("127.0.0.1", port)))
        with suppress(ConnectionError):
            one.sendall(head.encode() + b"x" * 900_000)


def _without_cache(site: Site) -> str:
    return "" if site.cache else "neither valkey-server nor redis-server is on this machine"


FAULTS = [
    Fault("PostgreSQL: kill -9, then start", lambda site: site.database.kill(), lambda site: site.database.start(),
          spares_independent=True),
    # Requests that need no database have no time limit here; the table shows how much slower they get.
    Fault("PostgreSQL: kill -9, then start; 40 more clients", _kill_database_of_many, _start_database_of_many),
    Fault("PostgreSQL: SIGSTOP", lambda site: site.database.pause(), lambda site: site.database.resume(),
          spares_independent=True),
    Fault("PostgreSQL: restart", _restart_database, seconds=0, spares_independent=True),
    Fault("PostgreSQL: no connection left", _take_all_connections, _give_connections_back, spares_independent=True,
          is_real=lambda site: not site.database.answers()),
    Fault("PostgreSQL: disk full", _fill_disk, _empty_disk, _without_disk, spares_independent=True, seconds=12,
          is_real=lambda site: shutil.disk_usage(site.database.data).free < 2**20),
    Fault("server: kill -9, then start", lambda site: site.servers[0].kill(), lambda site: site.servers[0].start()),
    Fault("server: SIGSTOP", lambda site: site.servers[0].pause(), lambda site: site.servers[0].resume()),
    Fault("worker process of a server: kill -9", _kill_worker_process),
    Fault("both worker processes of a server: kill -9", _kill_worker_processes, _wait_for_server),
    Fault("worker process of a server: SIGSTOP", _pause_worker_process, _resume_worker_processes),
    Fault("servers: replaced one by one", replace_servers, seconds=0, spares_all=True),
    Fault("server: clock 20 s ahead", _clock_is_ahead(20), _clock_is_right, spares_all=True,
          is_real=_says_clock_is_ahead),
    # A server whose clock differs by more than OAUTH["CLOCK_SKEW"] refuses DPoP proofs of clients, and other servers
    # refuse its tokens.
    Fault("server: clock 60 s ahead", _clock_is_ahead(60), _clock_is_right,
          spares_independent=True, may_refuse=True, is_real=_says_clock_is_ahead),
    Fault("server: clock 120 s ahead", _clock_is_ahead(120), _clock_is_right,
          spares_independent=True, may_refuse=True, is_real=_says_clock_is_ahead),
    Fault("150 clients that never pause", _flood, _wait_for_flood),
    Fault("nginx: SIGSTOP", lambda site: site.proxy.pause(), lambda site: site.proxy.resume()),
    Fault("nginx: restart", lambda site: (site.proxy.stop(), site.proxy.start()), seconds=0),
    Fault("background worker: kill -9, then start", lambda site: site.worker.kill(), lambda site: site.worker.start()),
    Fault("background worker: SIGSTOP", lambda site: site.worker.pause(), lambda site: site.worker.resume()),
    Fault("cache: kill -9, then start", lambda site: site.cache.kill(), lambda site: site.cache.start(), _without_cache,  # type: ignore[union-attr]
          spares_independent=True),
    Fault("cache: SIGSTOP", lambda site: site.cache.pause(), lambda site: site.cache.resume(), _without_cache,  # type: ignore[union-attr]
          spares_independent=True),
    Fault("cache: emptied", lambda site: site.cache.flush(), missing=_without_cache, spares_independent=True),  # type: ignore[union-attr]
    Fault("60 slow headers", slow("headers"), close_sockets, spares_independent=True),
    Fault("60 slow bodies", slow("bodies"), close_sockets, spares_independent=True),
    Fault("60 slow readers", slow("readers"), close_sockets, spares_independent=True),
    Fault("20 bodies of 900 kB through nginx", large_bodies, close_sockets, spares_independent=True),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_nothing_is_lost_or_doubled_and_all_are_served_again(site: Site, load: Load, fault: Fault) -> None:
    check(site, load, fault)
