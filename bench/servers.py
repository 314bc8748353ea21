"""What is measured, each as a process of its own: the floor, a demo of ours, a peer."""

import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import RSAAlgorithm

from bench import cpu, load
from bench.load import Request, Result
from bench.signing import Key, rsa_key
from config.server.ports import is_free
from demo import postgres

# What a client sent, whether planned before or not; without what the counting itself says.
_STATEMENT = re.compile(rb"LOG:  (?:statement|execute [^:]*): (?!ALTER SYSTEM|SELECT pg_reload_conf)")

ROOT = Path(__file__).resolve().parent.parent
NODE = ROOT / "bench/node_oidc_provider"
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Database:
    """A PostgreSQL: its postmaster, whose tree is measured, and its log, where statements are counted."""

    url: str
    process: int
    log: Path

    @classmethod
    def at(cls, directory: Path, url: str) -> "Database":
        process = cpu.postmaster_of(str(directory))
        return cls(url, process, next(directory.rglob("server.log")))

    @contextmanager
    def counting(self) -> Iterator[Callable[[], int]]:
        """How many statements came in since; while it counts, nothing is measured."""
        self._log_statements("all")
        began = self.log.stat().st_size
        try:
            yield lambda: len(_STATEMENT.findall(self.log.read_bytes()[began:]))
        finally:
            self._log_statements("none")

    def _log_statements(self, which: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET log_statement = '{which}'")
            connection.execute("SELECT pg_reload_conf()")
        time.sleep(0.2)  # until every backend has been told; it looks before its next statement


@dataclass(frozen=True, slots=True)
class Server:
    """`database` is None where there is none."""

    port: int
    process: int
    database: Database | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def asked(self, batch: Sequence[Request]) -> tuple[Result, float, float]:
        """What came of it, and the CPU of the server's and of the database's processes, in µs per request."""
        processes = [self.process, *([self.database.process] if self.database else [])]
        before = [cpu.of_tree(process) for process in processes]
        result = load.run(self.port, batch)
        used = [cpu.of_tree(process) - earlier for process, earlier in zip(processes, before, strict=True)]
        server_us, *database_us = (seconds / result.requests * 1e6 for seconds in used)
        return result, server_us, sum(database_us)


@contextmanager
def _started(command: list[str], path: str, environment: dict[str, str], port: int) -> Iterator[int]:
    """The pid, once `path` answers."""
    said = tempfile.TemporaryFile()  # noqa: SIM115  (read when it fails, gone with this process)
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=said, stderr=said)

    def failed(how: str) -> RuntimeError:
        said.seek(0)
        return RuntimeError(f"{shlex.join(command)} {how}:\n{said.read()[-3000:].decode(errors='replace')}")

    try:
        for _ in range(3000):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise failed("did not start") from None
                time.sleep(0.1)
        else:
            raise failed("does not answer")
        yield process.pid
    finally:
        process.terminate()
        process.wait(40)


def _free_port() -> int:
    """By chance, so that two of us do not choose the same; below those that connections get."""
    ports = (random.randrange(20_000, 30_000) for _ in range(1000))
    return next(port for port in ports if is_free(port, "127.0.0.1", "::1"))


@contextmanager
def _granian(application: str, path: str, environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Port and pid: workers and threads as `serve` gives ours."""
    port = _free_port()
    granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", str(WORKERS), "--port", str(port)]
    threads = ["--blocking-threads", "4", "--http", "1", "--no-ws", "--log-level", "error"]
    stop = ["--workers-kill-timeout", "20"]  # a worker that is stopped while it starts can miss the signal
    with _started([*granian, *threads, *stop, application], path, environment, port) as pid:
        yield port, pid


@contextmanager
def bare_view() -> Iterator[Server]:
    with _granian("bench.peers.bare:application", "/", {}) as (port, pid):
        yield Server(port, pid)


@contextmanager
def drf(data_dir: Path, user: str, *, middleware: bool) -> Iterator[Server]:
    """DRF beside the data of ours, whose demo has been there."""
    with postgres.running(data_dir / "postgres") as url:
        environment = {
            **environment_of(data_dir), "MODE": "test",
            "DATABASE_URL": url, "BENCH_USER": user, "MIDDLEWARE": "usual" if middleware else "none",
            "LOG_LEVEL": "ERROR",
        }  # fmt: skip
        with _granian("bench.peers.drf:application", "/hello", environment) as (port, pid):
            yield Server(port, pid, Database.at(data_dir, url))


@contextmanager
def django_oauth_toolkit(data_dir: Path, codes: int, code_challenge: str) -> Iterator[tuple[Server, dict[str, Any]]]:
    with postgres.running(data_dir) as url:
        pem = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        environment = {"DATABASE_URL": url, "SIGNING_KEY": pem}
        command = [sys.executable, "-m", "bench.peers.dot", str(codes), code_challenge]
        made = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **environment}, check=True, capture_output=True, text=True
        )
        with _granian("bench.peers.dot:application", "/o/.well-known/openid-configuration", environment) as (port, pid):
            yield Server(port, pid, Database.at(data_dir, url)), json.loads(made.stdout.splitlines()[-1])


@contextmanager
def countersign(data_dir: Path, *, scale: float = 0) -> Iterator[Server]:
    """A demo without limits on how often one may ask; with so many million rows of each kind."""
    port = _free_port()
    environment = {
        "MODE": "demo", "PORT": str(port), "DATA_DIR": str(data_dir), "THROTTLE_SCALE": "1000000", "LOG_LEVEL": "ERROR",
    }  # fmt: skip
    command = [sys.executable, "manage.py", "demo"]
    if scale:
        for first in (["migrate"], ["createcachetable"], ["demo_seed", "--scale", str(scale)]):
            subprocess.run(
                [*command[:2], *first],
                cwd=ROOT,
                env={**os.environ, **environment},
                check=True,
                stdout=subprocess.DEVNULL,
            )
    with (
        _started(command, "/health/ready", environment, port) as pid,
        postgres.running(data_dir / "postgres") as url,
    ):
        yield Server(port, pid, Database.at(data_dir, url))


def environment_of(data_dir: Path) -> dict[str, str]:
    """What a demo keeps for itself, its secrets among it."""
    return dict(line.split("=", 1) for line in (data_dir / "demo.env").read_text().splitlines())


def registration_token(data_dir: Path) -> str:
    """For one client more at the demo that runs on `data_dir`."""
    command = [sys.executable, "manage.py", "registration_token"]
    environment = {**os.environ, "MODE": "demo", "DATA_DIR": str(data_dir)}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.split()[-1]


@dataclass(frozen=True, slots=True)
class Payer:
    """A user who pays, as `bench.payers` makes them. `iban` is that of the destination."""

    token: str
    source: str
    destination: str
    iban: str


def new_payers(server: Server, data_dir: Path, number: int) -> list[Payer]:
    """At the demo that runs on `data_dir`."""
    command = [sys.executable, "manage.py", "shell", "-c", f"from bench import payers; payers.print_new({number})"]
    environment = {**os.environ, "MODE": "demo", "DATA_DIR": str(data_dir), "PORT": str(server.port)}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return [Payer(**one) for one in json.loads(done.stdout.splitlines()[-1])]


def node_is_here() -> bool:
    return bool(shutil.which("node") and shutil.which("npm"))


@contextmanager
def node_oidc_provider(data_dir: Path, client: Key, service_secret: str) -> Iterator[Server]:
    """The peer, with the clients `fapi` (whose key is `client`) and `service`; its packages are fetched once."""
    if not (NODE / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=NODE, check=True, timeout=300)
    port = _free_port()
    keys = {"ES256": Key().private_jwk, "RS256": json.loads(RSAAlgorithm.to_jwk(rsa_key()))}
    jwks = [{**key, "alg": algorithm, "use": "sig", "kid": algorithm} for algorithm, key in keys.items()]
    with postgres.running(data_dir) as url:
        environment = {
            "PORT": str(port), "DATABASE_URL": url, "WORKERS": str(WORKERS), "SERVICE_SECRET": service_secret,
            "CLIENT_JWKS": _jwks(client.public_jwk), "JWKS": _jwks(*jwks), "NODE_ENV": "production",
        }  # fmt: skip
        command = ["node", str(NODE / "server.mjs")]
        with _started(command, "/.well-known/openid-configuration", environment, port) as pid:
            yield Server(port, pid, Database.at(data_dir, url))


def _jwks(*keys: dict[str, Any]) -> str:
    return json.dumps({"keys": keys})
