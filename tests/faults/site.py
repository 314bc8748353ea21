"""The site as it runs in production, on loopback: two servers behind nginx, a background worker, PostgreSQL and,
where the machine has one, Valkey or Redis."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import requests

from tests.faults import cluster
from tests.faults.cluster import Cluster
from tests.lib import nginx, servers
from tests.lib.servers import ROOT, free_port, wait_until

ISSUER = "http://bank.example"
PLENTY = 10**12
_PROXY = """
upstream site {{ {upstreams} keepalive 32; }}
server {{
  listen 127.0.0.1:{port};
  location / {{
    proxy_pass http://site; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host bank.example;
    proxy_connect_timeout 2s; proxy_read_timeout 40s; proxy_next_upstream error timeout; proxy_next_upstream_tries 2;
  }}
}}
"""


class Process:
    """A program that is stopped, paused, killed and started again, with everything that it started."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.command, self.environment, self.log = command, environment, log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def tree(self) -> list[psutil.Process]:
        assert self.process is not None
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        tree = self.tree()
        for one in tree:
            one.kill()
        assert self.process is not None
        self.process.wait(60)
        psutil.wait_procs(tree, timeout=60)

    def pause(self) -> None:
        for one in self.tree():
            one.suspend()

    def resume(self) -> None:
        for one in reversed(self.tree()):
            one.resume()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.resume()
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()


class AppServer(Process):
    def __init__(self, environment: dict[str, str], folder: Path, number: int) -> None:
        self.port, self.health_port = free_port(), free_port()
        command = [sys.executable, "manage.py", "serve", "--workers", "2", "--port", str(self.port)]
        own = folder / f"server-{number}"
        own.mkdir()
        super().__init__(
            [*command, "--health-port", str(self.health_port)], {**environment, "TMPDIR": str(own)}, own / "log"
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        return servers.answers(f"http://127.0.0.1:{self.health_port}/health/ready") and servers.answers(
            f"{self.url}/health/ready"
        )

    def workers(self) -> list[psutil.Process]:
        return [one for one in self.tree()[1:] if "spawn_main" in " ".join(one.cmdline())]


class Cache(Process):
    def __init__(self, program: str, folder: Path) -> None:
        self.port = free_port()
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
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
    database: Cluster
    servers: list[AppServer]
    worker: Process
    cache: Cache | None
    seed: dict[str, Any]
    environment: dict[str, str]
    folder: Path
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            return connection.execute(query, values).fetchall()  # type: ignore[arg-type]

    def is_well(self) -> bool:
        return (
            all(server.is_ready() for server in self.servers) and requests.get(f"{self.url}/oauth/jwks", timeout=5).ok
        )


def cache_program() -> str | None:
    return shutil.which("valkey-server") or shutil.which("redis-server")


@contextmanager
def running(folder: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        database = stack.enter_context(cluster.running(folder / "database", max_connections="60"))
        environment = {
            **os.environ, "MODE": "test", "DATABASE_URL": database.url, "OAUTH_ISSUER": ISSUER, "LOG_LEVEL": "WARNING",
            "ALLOWED_HOSTS": "bank.example,127.0.0.1,localhost", "THROTTLE_SCALE": "100000",
            "KEY_ENCRYPTION_KEYS": base64.urlsafe_b64encode(b"a Fernet key has 32 bytes: tests").decode(),
            "STEP_UP_AMOUNT_MINOR": f"GBP={PLENTY}", "NEW_PAYEE_LIMIT_MINOR": f"GBP={PLENTY}",
            "STEP_UP_MAX_AGE_SECONDS": "86400", "DATA_DIR": str(folder), "DB_POOL_MAX": "5", "DB_POOL_TIMEOUT": "1", "DB_PROBE_TIMEOUT": "1", "DB_STATEMENT_DEADLINE": "8",
        }  # fmt: skip
        seed = _seed(environment)
        cache = None
        if program := cache_program():
            cache = Cache(program, folder)
            cache.start()
            stack.callback(cache.stop)
            environment["CACHE_URL"] = cache.url
        apps = [AppServer(environment, folder, number) for number in (1, 2)]
        worker = Process([sys.executable, "manage.py", "worker"], environment, folder / "worker.log")
        for one in (*apps, worker):
            one.start()
            stack.callback(one.stop)
        wait_until(lambda: all(app.is_ready() for app in apps), or_else=lambda: apps[0].log.read_text()[-3000:])
        port = free_port()
        upstreams = " ".join(f"server 127.0.0.1:{app.port} max_fails=2 fail_timeout=1s;" for app in apps)
        (folder / "nginx").mkdir()
        url = f"http://127.0.0.1:{port}"
        proxy = _PROXY.format(port=port, upstreams=upstreams)
        stack.enter_context(
            nginx.serving(folder / "nginx", proxy, answers=lambda: servers.answers(f"{url}/oauth/jwks"))
        )
        yield Site(url, database, apps, worker, cache, seed, environment, folder)


def _seed(environment: dict[str, str]) -> dict[str, Any]:
    # Migrations take longer than a request may.
    slow = {**environment, "STATEMENT_TIMEOUT": "0", "LOCK_TIMEOUT": "0", "IDLE_IN_TRANSACTION_SESSION_TIMEOUT": "0"}
    command = [sys.executable, str(Path(__file__).with_name("seed.py"))]
    done = subprocess.run(command, cwd=ROOT, env=slow, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
