"""The measured servers, each in its own process: the bare view, a demo of Countersign, and servers of other vendors."""

import base64
import http.client
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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import RSAAlgorithm

from bench import cpu, load
from bench.load import Request, Result
from bench.signing import Key, rsa_key
from config.server.ports import is_free
from demo import postgres

# Matches a statement in PostgreSQL's log, prepared or not, except the statements that switch the log on and off. For
# Countersign, only statements of requests count, not those of the background worker or of the thread that probes the
# database.
_STATEMENT = re.compile(
    rb"^from (?!countersign (?:worker|watch) ).*"
    rb"LOG:  (?:statement|execute [^:]*): (?!ALTER SYSTEM|SELECT pg_reload_conf)",
    re.MULTILINE,
)

ROOT = Path(__file__).resolve().parent.parent
NODE = ROOT / "bench/node_oidc_provider"
WORKERS = 2
START_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Database:
    """A PostgreSQL. `process` is its postmaster, whose process tree is measured. Statements are counted in `log`."""

    url: str
    process: int
    log: Path

    @classmethod
    def at(cls, directory: Path, url: str) -> "Database":
        process = cpu.postmaster_of(str(directory))
        return cls(url, process, next(directory.rglob("server.log")))

    @contextmanager
    def counting(self) -> Iterator[Callable[[], int]]:
        """Counts the statements from now on. Nothing is measured at the same time, because logging costs CPU."""
        self._log_statements("all")
        began = self.log.stat().st_size
        try:
            yield lambda: len(_STATEMENT.findall(self.log.read_bytes()[began:]))
        finally:
            self._log_statements("none")

    def _log_statements(self, which: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET log_line_prefix = 'from %a '")
            connection.execute(f"ALTER SYSTEM SET log_statement = '{which}'")
            connection.execute("SELECT pg_reload_conf()")
        time.sleep(0.2)  # until every backend has the signal; it reads the settings before its next statement


@dataclass(frozen=True, slots=True)
class Start:
    """A server process, and its figures at the first answer: the time since its start, the CPU time with its children,
    and memory.
    """

    process: int
    seconds: float
    cpu_seconds: float
    memory_mb: float


@dataclass(frozen=True, slots=True)
class Server:
    """`database` is None for a server without a database. `warm_up` multiplies the number of requests before the
    measurement.
    """

    port: int
    start: Start
    database: Database | None = None
    warm_up: int = 1

    @property
    def process(self) -> int:
        return self.start.process

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def asked(
        self, batch: Sequence[Request], port: int | None = None, connections: int = load.CONNECTIONS
    ) -> tuple[Result, float, float]:
        """Sends the requests. Returns the result, and the CPU of the server's and of the database's processes in µs per
        request.

        `port`, if it is not the server's default.
        """
        processes = [self.process, *([self.database.process] if self.database else [])]
        before = [cpu.of_tree(process) for process in processes]
        result = load.run(port or self.port, batch, connections=connections)
        used = [cpu.of_tree(process) - earlier for process, earlier in zip(processes, before, strict=True)]
        server_us, *database_us = (seconds / result.requests * 1e6 for seconds in used)
        return result, server_us, sum(database_us)


@contextmanager
def started(
    command: Sequence[str], first: Request, environment: dict[str, str], port: int, *, cwd: Path = ROOT
) -> Iterator[Start]:
    """Starts the server and waits until `first` gets the expected status."""
    said = tempfile.TemporaryFile()  # noqa: SIM115  (read when it fails, gone with this process)
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, env={**os.environ, **environment}, stdout=said, stderr=said)

    def failed(how: str) -> RuntimeError:
        said.seek(0)
        return RuntimeError(f"{shlex.join(command)} {how}:\n{said.read()[-3000:].decode(errors='replace')}")

    try:
        while (status := _status(port, first)) != first.expect:
            if process.poll() is not None:
                raise failed("did not start")
            if time.perf_counter() - began > START_SECONDS:
                raise failed(f"answers {status or 'nothing'} to {first.path}")
            time.sleep(0.02)
        seconds = time.perf_counter() - began
        yield Start(process.pid, seconds, cpu.of_tree(process.pid), cpu.memory_mb_of_tree(process.pid))
    except Exception as error:
        if process.poll() is not None:
            raise failed(f"ended with {process.returncode}") from error
        raise
    finally:
        process.terminate()
        process.wait(40)


def _status(port: int, request: Request) -> int:
    """The status of the response; 0 if there is no response."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(request.method, request.path, request.body, request.headers or {})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def free_port() -> int:
    """A free port. It is chosen at random, so that two runs do not choose the same one, and is below the ports of
    outgoing connections.
    """
    ports = (random.randrange(20_000, 30_000) for _ in range(1000))
    return next(port for port in ports if is_free(port, "127.0.0.1", "::1"))


@contextmanager
def _granian(application: str, first: Request, environment: dict[str, str]) -> Iterator[tuple[int, Start]]:
    """Runs granian with as many workers and threads as `serve` uses. Yields the port and the start."""
    port = free_port()
    granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", str(WORKERS), "--port", str(port)]
    threads = ["--blocking-threads", "4", "--http", "1", "--no-ws", "--log-level", "error"]
    stop = ["--workers-kill-timeout", "20"]  # a worker process can miss a signal that arrives while it starts
    with started([*granian, *threads, *stop, application], first, environment, port) as start:
        yield port, start


@contextmanager
def bare_view() -> Iterator[Server]:
    with _granian("bench.peers.bare:application", Request("GET", "/"), {}) as (port, start):
        yield Server(port, start)


@contextmanager
def drf(data_dir: Path, user: str, *, middleware: bool) -> Iterator[Server]:
    """DRF on the database of a Countersign demo, which must have run before."""
    with postgres.running(data_dir / "postgres") as url:
        environment = {
            **environment_of(data_dir), "MODE": "test",
            "DATABASE_URL": url, "BENCH_USER": user, "MIDDLEWARE": "usual" if middleware else "none",
            "LOG_LEVEL": "ERROR",
        }  # fmt: skip
        with _granian("bench.peers.drf:application", Request("GET", "/hello"), environment) as (port, start):
            yield Server(port, start, Database.at(data_dir, url))


@contextmanager
def django_oauth_toolkit(
    data_dir: Path, codes: int, code_challenge: str, token: Request
) -> Iterator[tuple[Server, dict[str, Any]]]:
    with postgres.running(data_dir) as url:
        pem = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        environment = {"DATABASE_URL": url, "SIGNING_KEY": pem}
        command = [sys.executable, "-m", "bench.peers.dot", str(codes), code_challenge]
        made = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **environment}, check=True, capture_output=True, text=True
        )
        with _granian("bench.peers.dot:application", token, environment) as (port, start):
            yield Server(port, start, Database.at(data_dir, url)), json.loads(made.stdout.splitlines()[-1])


def prepare(data_dir: Path, scale: float, **more: str) -> dict[str, str]:
    """Sets up a demo without rate limits, and adds `scale` million rows of each kind. Returns its environment."""
    demo = {"MODE": "demo", "DATA_DIR": str(data_dir), "THROTTLE_SCALE": "1000000", "LOG_LEVEL": "ERROR"}
    environment = {**os.environ, **demo, **more}
    for first in (["migrate"], ["createcachetable"], ["demo_seed", "--scale", str(scale)]) if scale else ():
        subprocess.run(
            [sys.executable, "manage.py", *first], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL
        )
    return environment


@contextmanager
def countersign(data_dir: Path, *, scale: float = 0) -> Iterator[Server]:
    """A demo without rate limits, with `scale` million rows of each kind.

    It has been set up before, so this start runs no migrations and fills no tables.
    """
    port = free_port()
    environment = prepare(data_dir, scale, PORT=str(port))
    command = [sys.executable, "manage.py", "demo"]
    known = data_dir / "clients.json"
    with postgres.running(data_dir / "postgres") as url:
        if not known.exists():
            with started(command, Request("GET", "/health/ready"), environment, port):
                pass
        secret = json.loads(known.read_text())["demo-service"]["client_secret"]
        with started(command, client_credentials("/oauth/token", "demo-service", secret), environment, port) as start:
            yield Server(port, start, Database.at(data_dir, url))


def client_credentials(path: str, client_id: str, secret: str, **more: str) -> Request:
    """A token request with the grant type client_credentials."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", **basic(client_id, secret)}
    return Request("POST", path, urlencode({"grant_type": "client_credentials", **more}), headers)


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"}


def environment_of(data_dir: Path) -> dict[str, str]:
    """The environment that a demo has stored, including its secrets."""
    return dict(line.split("=", 1) for line in (data_dir / "demo.env").read_text().splitlines())


def registration_token(data_dir: Path) -> str:
    """An initial access token, to register another client at the demo that runs on `data_dir`."""
    command = [sys.executable, "manage.py", "registration_token"]
    environment = {**os.environ, "MODE": "demo", "DATA_DIR": str(data_dir)}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.split()[-1]


@dataclass(frozen=True, slots=True)
class Payer:
    """A user who pays, as `bench.payers` creates them. `iban` is the IBAN of the account `destination`."""

    token: str
    source: str
    destination: str
    iban: str


def new_payers(server: Server, data_dir: Path, number: int) -> list[Payer]:
    """Creates payers at the demo that uses `data_dir`."""
    command = [sys.executable, "manage.py", "shell", "-c", f"from bench import payers; payers.print_new({number})"]
    environment = {**os.environ, "MODE": "demo", "DATA_DIR": str(data_dir), "PORT": str(server.port)}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return [Payer(**one) for one in json.loads(done.stdout.splitlines()[-1])]


def node_is_here() -> bool:
    return bool(shutil.which("node") and shutil.which("npm"))


@contextmanager
def node_oidc_provider(data_dir: Path, client: Key, service_secret: str) -> Iterator[Server]:
    """Runs node-oidc-provider with the clients `fapi` (whose key is `client`) and `service`. Its packages are
    downloaded once.
    """
    if not (NODE / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=NODE, check=True, timeout=300)
    port = free_port()
    keys = {"ES256": Key().private_jwk, "RS256": json.loads(RSAAlgorithm.to_jwk(rsa_key()))}
    jwks = [{**key, "alg": algorithm, "use": "sig", "kid": algorithm} for algorithm, key in keys.items()]
    with postgres.running(data_dir) as url:
        environment = {
            "PORT": str(port), "DATABASE_URL": url, "WORKERS": str(WORKERS), "SERVICE_SECRET": service_secret,
            "CLIENT_JWKS": _jwks(client.public_jwk), "JWKS": _jwks(*jwks), "NODE_ENV": "production",
        }  # fmt: skip
        command = ["node", str(NODE / "server.mjs")]
        first = client_credentials("/token", "service", service_secret)
        with started(command, first, environment, port) as start:
            yield Server(port, start, Database.at(data_dir, url))


def _jwks(*keys: dict[str, Any]) -> str:
    return json.dumps({"keys": keys})
