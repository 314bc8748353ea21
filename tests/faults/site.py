"""The site as it runs in production, on loopback: two servers behind a proxy, a background worker, PostgreSQL and,
where the machine has one, Valkey or Redis."""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import psutil
import psycopg
import requests
from django.db import connection

from config.database.known_clients import FOLDER
from demo.postgres_files import account_for, install
from tests.faults.process import Process
from tests.lib import nginx, servers
from tests.lib.http_listener import HttpListener
from tests.lib.servers import ROOT, free_port, wait_until

ISSUER = "http://bank.example"
PLENTY = 10**12
LIMITS = {"STEP_UP_AMOUNT_MINOR": f"GBP={PLENTY}", "NEW_PAYEE_LIMIT_MINOR": f"GBP={PLENTY}"}
#: The last release expects these limits without a currency (CHANGELOG, Breaking).
LIMITS_OF_LAST_RELEASE = dict.fromkeys(LIMITS, str(PLENTY))
#: The time between SIGTERM and the end of a server, for a proxy that asks /health/ready.
DRAIN_SECONDS = 2


class Database(Protocol):
    """`url` is that of the primary, for the tests themselves; the site reaches it by `url_of_site`."""

    @property
    def url(self) -> str: ...

    @property
    def url_of_site(self) -> str: ...


class OfRelease(Process):
    """A program of this release, or of the one in the folder `release`, from its next start on."""

    release: Path | None = None

    def arguments(self) -> list[object]:
        raise NotImplementedError

    def run_release(self, release: Path | None) -> None:
        self.release = release
        self.environment = self.environment | (LIMITS if release is None else LIMITS_OF_LAST_RELEASE)
        self.options["cwd"] = release or ROOT
        self.command = [str(part) for part in (sys.executable, "manage.py", *self.arguments())]


class AppServer(OfRelease):
    def __init__(self, environment: dict[str, str], folder: Path, number: int) -> None:
        self.port, self.health_port = free_port(), free_port()
        own = folder / f"server-{number}"
        own.mkdir()
        super().__init__([], {**environment, "TMPDIR": str(own)}, own / "log")

    def arguments(self) -> list[object]:
        options = ["serve", "--workers", "2", "--port", self.port, "--drain-seconds", DRAIN_SECONDS]
        if self.release is None:
            options += ["--health-port", self.health_port]  # an option that the last release does not have
        return options

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        is_healthy = self.release or servers.answers(f"http://127.0.0.1:{self.health_port}/health/ready")
        return bool(is_healthy) and servers.answers(f"{self.url}/health/ready")

    def knows(self, client_id: str) -> bool:
        """Whether each worker process has read this client, and can serve it in an outage. The last release does not
        report this.
        """
        folders = Path(self.environment["TMPDIR"]).glob(f"countersign-*/{FOLDER}")
        told = {file.stem: json.loads(file.read_text()) for folder in folders for file in folder.glob("*.json")}
        return self.release is not None or all(client_id in told.get(str(one.pid), {}) for one in self.workers())

    def workers(self) -> list[psutil.Process]:
        return [one for one in self.tree()[1:] if "spawn_main" in " ".join(one.cmdline())]

    def restart(self, **environment: str) -> None:
        """Restarts a server as in a rolling upgrade, after it has finished its requests, and waits until it is
        ready.
        """
        self.stop()
        self.environment = {name: value for name, value in (self.environment | environment).items() if value}
        self.start()
        wait_until(self.is_ready)


class Worker(OfRelease):
    def arguments(self) -> list[object]:
        return ["worker"] if self.release is None else ["procrastinate", "worker"]


class Cache(Process):
    def __init__(self, program: str, folder: Path) -> None:
        self.port = free_port()
        options = ["--port", self.port, "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        super().__init__([program, *options], dict(os.environ), folder / "cache.log")

    @property
    def url(self) -> str:
        return f"rediscache://127.0.0.1:{self.port}/0"

    def flush(self) -> None:
        import redis

        with redis.Redis(port=self.port) as connection:
            connection.flushall()


@dataclass
class Site:
    url: str
    database: Any
    servers: list[AppServer]
    worker: Worker
    proxy: Process
    cache: Cache | None
    seed: dict[str, Any]
    environment: dict[str, str]
    folder: Path
    #: The receiver of the app that has a webhook.
    receiver: HttpListener
    began_with_last_release: bool
    rows: list[tuple[str, ...]] = field(default_factory=list)
    #: Why no further faults can be tested: the site did not recover from an earlier one.
    is_lost: str = ""

    @property
    def has_replica(self) -> bool:
        return "DATABASE_REPLICA_URL" in self.environment

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            return connection.execute(query, values).fetchall()  # type: ignore[arg-type]

    def hooks_received(self) -> list[str]:
        """Returns the events that the app received, including repetitions."""
        return [str(headers["Webhook-Id"]) for headers in list(self.receiver.received_headers)]

    def is_well(self) -> bool:
        return (
            all(server.is_ready() for server in self.servers) and requests.get(f"{self.url}/oauth/jwks", timeout=5).ok
        )


#: Makes the proxy in front of the servers. Its arguments are the port and the folder for its files.
Front = Callable[[list[AppServer], int, Path], Process]


def cache_program() -> str | None:
    return shutil.which("valkey-server") or shutil.which("redis-server")


@contextmanager
def running(
    folder: Path,
    database: AbstractContextManager[Database],
    front: Front | None = None,
    release: Path | None = None,
    **variables: str,
) -> Iterator[Site]:
    """The servers and the background worker begin with the release in that folder, on the tables of this one."""
    with ExitStack() as stack:
        at = stack.enter_context(database)
        receiver = stack.enter_context(HttpListener())
        environment = {
            **os.environ, "MODE": "test", "DATABASE_URL": at.url, "OAUTH_ISSUER": ISSUER, "LOG_LEVEL": "WARNING",
            "ALLOWED_HOSTS": "bank.example,127.0.0.1,localhost", "THROTTLE_SCALE": "100000",
            "KEY_ENCRYPTION_KEYS": base64.urlsafe_b64encode(b"a Fernet key has 32 bytes: tests").decode(),
            **LIMITS, "STEP_UP_MAX_AGE_SECONDS": "86400", "DATA_DIR": str(folder), "DB_POOL_MAX": "5", "DB_POOL_TIMEOUT": "1",
            "DB_PROBE_TIMEOUT": "1", "DB_STATEMENT_DEADLINE": "8", "OUTBOUND_ALLOWED_HOSTS": receiver.host, **variables,
        }  # fmt: skip
        _copy_tables(at.url)
        # The last release does not send to webhooks.
        seed = _seed(environment, "" if release else receiver.url("/hooks"))
        cache = None
        if program := cache_program():
            cache = Cache(program, folder)
            cache.start()
            stack.callback(cache.stop)
            environment["CACHE_URL"] = cache.url
        # The background worker uses LISTEN, so it connects without a pooler (docs/operating.md).
        direct = getattr(at, "url_of_worker", at.url_of_site)
        worker = Worker([], {**environment, "DATABASE_URL": direct}, folder / "worker.log")
        environment["DATABASE_URL"] = at.url_of_site
        apps = [AppServer(environment, folder, number) for number in (1, 2)]
        for one in (*apps, worker):
            one.run_release(release)
            one.start()
            stack.callback(one.stop)
        wait_until(lambda: all(app.is_ready() for app in apps), or_else=lambda: apps[0].log.read_text()[-3000:])
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        (folder / "proxy").mkdir()
        proxy = (front or behind_nginx)(apps, port, folder / "proxy")
        proxy.start()
        stack.callback(proxy.stop)
        wait_until(lambda: servers.answers(f"{url}/oauth/jwks"), or_else=lambda: proxy.log.read_text()[-3000:])
        yield Site(
            url, at, apps, worker, proxy, cache, seed, environment, folder, receiver,
            began_with_last_release=release is not None,
        )  # fmt: skip


_NGINX = """
upstream site {{ {upstreams} keepalive 32; }}
server {{
  listen 127.0.0.1:{port};
  location / {{
    proxy_pass http://site; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host bank.example;
    proxy_connect_timeout 2s; proxy_read_timeout 40s; proxy_next_upstream error timeout; proxy_next_upstream_tries 2;
  }}
}}
"""


def behind_nginx(apps: list[AppServer], port: int, folder: Path) -> Process:
    """The directives of deploy/nginx that matter here, without TLS."""
    upstreams = " ".join(f"server 127.0.0.1:{app.port} max_fails=2 fail_timeout=1s;" for app in apps)
    command = nginx.command(folder, _NGINX.format(port=port, upstreams=upstreams))
    return Process(command, dict(os.environ), folder / "error.log")


def _copy_tables(to: str) -> None:
    """Copies the tables of the tests' own database, because its migrations take a quarter of a minute."""
    template = str(connection.settings_dict["TEST"]["TEMPLATE"])
    source = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{template}").geturl()
    programs = install(account_for(Path(tempfile.gettempdir())))
    dump = [programs / "pg_dump", "--no-owner", "--no-privileges", f"--dbname={source}"]
    restore = [programs / "psql", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null", f"--dbname={to}"]
    with subprocess.Popen(dump, stdout=subprocess.PIPE) as dumping:
        done = subprocess.run(restore, stdin=dumping.stdout, capture_output=True, text=True, check=False)
    assert (dumping.returncode, done.returncode) == (0, 0), done.stderr[-3000:]


def _seed(environment: dict[str, str], webhook: str) -> dict[str, Any]:
    # Migrations take longer than a request may.
    slow = {**environment, "STATEMENT_TIMEOUT": "0", "LOCK_TIMEOUT": "0", "IDLE_IN_TRANSACTION_SESSION_TIMEOUT": "0"}
    command = [sys.executable, str(Path(__file__).with_name("seed.py")), webhook]
    done = subprocess.run(command, cwd=ROOT, env=slow, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
