"""Real servers in their own processes, for tests that speak HTTP to them."""

import atexit
import itertools
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import requests
from psycopg import sql

from config.server import ports

ROOT = Path(__file__).resolve().parents[2]
_FIRST_PORT = 20_000
_taken = ExitStack()
atexit.register(_taken.close)
PATIENCE_SECONDS = 200  # long enough for a very busy machine, but shorter than the time limit of `make mutants`
#: On a busy machine, a server may pause in a transaction for longer than the site's own time limits.
_PATIENT = {
    "STATEMENT_TIMEOUT": "60s", "LOCK_TIMEOUT": "60s", "IDLE_IN_TRANSACTION_SESSION_TIMEOUT": "200s",
    "DB_POOL_TIMEOUT": "60",
}  # fmt: skip


@dataclass(frozen=True)
class Server:
    url: str
    data_dir: Path
    process: subprocess.Popen[bytes]
    environment: Mapping[str, str]

    @property
    def database_url(self) -> str:
        return self.environment["DATABASE_URL"]

    @property
    def log(self) -> str:
        return (self.data_dir / "server.log").read_text()

    def manage(self, *command: str) -> str:
        """The output of `manage.py COMMAND`, run with the environment of the server."""
        done = subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=dict(self.environment), capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def registration_token(self) -> str:
        """An initial access token for dynamic client registration (RFC 7591 §3)."""
        return self.manage("registration_token").split()[-1]

    def stop(self) -> int:
        """Stops the server as an operator would; returns the exit code."""
        self.process.terminate()
        try:
            return self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()  # so that no other test finds the server still running
            self.process.wait()
            raise


@contextmanager
def run(
    *command: str,
    data_dir: Path,
    environment: Mapping[str, str | None],
    scheme: str = "http",
    verify: str | bool = True,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Iterator[Server]:
    """Runs `manage.py COMMAND` on a free PORT and waits until it reports that it is ready.

    It is stopped at the end. `environment` is added to that of the tests, which has long time limits; a variable that is
    None is removed.
    """
    port = free_port()
    given = {
        **os.environ,
        **_PATIENT,
        "PORT": str(port),
        "DATA_DIR": str(data_dir),
        "TMPDIR": str(data_dir),
        **environment,
    }
    variables = {name: value for name, value in given.items() if value is not None}
    with (data_dir / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", *command, *_patience(command)],
            cwd=ROOT,
            env=variables,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    server = Server(f"{scheme}://localhost:{port}", data_dir, process, variables)
    try:
        wait_until(
            lambda: process.poll() is not None or answers(f"{server.url}/health/ready", verify),
            or_else=lambda: server.log[-3000:],
            seconds=patience_seconds,
        )
        assert process.poll() is None, server.log
        yield server
    finally:
        if process.poll() is None:
            server.stop()


def _patience(command: tuple[str, ...]) -> list[str]:
    """Long limits, so that a busy machine does not cause an overload; a test of overload sets its own limits."""
    is_serve = command[0] == "serve" and "--queue-seconds" not in command
    return ["--queue-seconds", str(PATIENCE_SECONDS)] if is_serve else []


def refusal(*command: str, environment: Mapping[str, str]) -> str:
    """The message of a Python command that refuses to start. It must exit with 1 and print no traceback."""
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=dict(environment), capture_output=True, text=True,
        timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def wait_until(
    condition: Callable[[], object], *, or_else: Callable[[], str] = lambda: "", seconds: float = PATIENCE_SECONDS
) -> None:
    """Waits until `condition()` is true. If it stays false, the test fails with the text of `or_else()`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still not so after {seconds} s\n{or_else()}"
        time.sleep(0.02)


def open_to_passers_by(directory: Path) -> None:
    """Lets other users enter the parents of `directory`, which pytest has created for our user only."""
    for one in (directory, *directory.parents):
        if one == Path(tempfile.gettempdir()):
            return
        one.chmod(0o711)


def free_port() -> int:
    """A TCP port that no other test gets while this process runs.

    It is below the ports that systems give to outgoing connections. A UDP socket on the same port, which is otherwise
    unused, reserves it among the test processes, because the server may start seconds later.
    """
    ports_of_tests = itertools.count(_FIRST_PORT + os.getpid() * 7 % 10_000)
    return next(port for port in ports_of_tests if _take(port) and ports.is_free(port, "127.0.0.1", "::1"))


def _take(port: int) -> bool:
    lock = socket.socket(type=socket.SOCK_DGRAM)
    try:
        lock.bind(("127.0.0.1", port))
    except OSError:
        lock.close()
        return False
    _taken.enter_context(lock)
    return True


def answers(url: str, verify: str | bool = True) -> bool:
    """Whether a server at this URL answers with a status below 400. For https, `verify` is the file with the
    certificate of the authority.
    """
    there = urlsplit(url)
    try:
        # Called fifty times a second while a server starts. Connecting costs a hundredth of a request.
        socket.create_connection((there.hostname, there.port), timeout=60).close()
        return requests.get(url, timeout=60, verify=verify).ok
    except (ConnectionError, TimeoutError, requests.ConnectionError, requests.Timeout):
        return False


@contextmanager
def demo(data_dir: Path, template: str, *, name: str, **environment: str) -> Iterator[Server]:
    """`manage.py demo` on a copy of the database `template`. The copy's name ends in `name`."""
    with own_database(name, template=template) as database_url:
        given = {
            # tests log in more often than the limits allow
            "MODE": "demo", "DATABASE_URL": database_url, "THROTTLE_SCALE": "1000",
            "BANK_JOURNAL_SECONDS": "1", "REFUSED_REQUESTS_SECONDS": "1",
        }  # fmt: skip
        with run("demo", data_dir=data_dir, environment=given | environment) as server:
            yield server


@contextmanager
def own_database(suffix: str, *, template: str = "template1") -> Iterator[str]:
    """The URL of a new database, a copy of `template` (empty by default), which is dropped at the end."""
    tests = urlsplit(os.environ["DATABASE_URL"])
    name = f"{tests.path[1:]}_{suffix}{os.environ.get('PYTEST_XDIST_WORKER', '')}"
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(tests._replace(path="/postgres").geturl(), autocommit=True) as connection:
        connection.execute(drop)  # a killed run may have left it
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield tests._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(drop)
