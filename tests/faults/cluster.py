"""A real PostgreSQL of the test's own on loopback, which the test stops, pauses, kills and starts again."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

from demo.postgres_files import Account, account_for, install, place
from tests.lib.servers import free_port, wait_until

DATABASE = "postgres"
_SETTINGS = {
    "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "log_min_messages": "fatal", "fsync": "off",
    "shared_buffers": "32MB", "wal_level": "replica",
}  # fmt: skip


@dataclass
class Cluster:
    programs: Path
    home: Path
    account: Account
    port: int = field(default_factory=free_port)

    @property
    def data(self) -> Path:
        return self.home / "cluster"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{DATABASE}"

    def create(self) -> None:
        self._run("initdb", f"--pgdata={self.data}", "--username=postgres", "--auth=trust", "--encoding=UTF8",
                  "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions",
                  "--no-sync")  # fmt: skip

    def start(self, **settings: str) -> None:
        options = " ".join(f"-c {name}='{value}'" for name, value in {**_SETTINGS, **settings}.items())
        self._run("pg_ctl", "start", "--wait", f"--pgdata={self.data}", f"--log={self.home / 'log'}",
                  f"--options=-p {self.port} {options}")  # fmt: skip

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "stop", "--wait", f"--mode={mode}", f"--pgdata={self.data}")

    def kill(self) -> None:
        """SIGKILL of the postmaster and of everything below it, as when the machine loses power."""
        postmaster = self._postmaster()
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, timeout=60)

    def pause(self) -> None:
        """SIGSTOP: it answers nothing, and its kernel still accepts connections."""
        postmaster = self._postmaster()
        for process in (postmaster, *postmaster.children(recursive=True)):
            process.suspend()

    def resume(self) -> None:
        postmaster = self._postmaster()
        for process in (*postmaster.children(recursive=True), postmaster):
            process.resume()

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _postmaster(self) -> psutil.Process:
        return psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))

    def _run(self, program: str, *options: str) -> None:
        done = self.account.run([str(self.programs / program), *options], start_new_session=True)
        assert done.returncode == 0, done.stdout


@contextmanager
def running(directory: Path, **settings: str) -> Iterator[Cluster]:
    account = account_for(directory)
    cluster = Cluster(programs=install(account), home=place(directory, account), account=account)
    cluster.create()
    cluster.start(**settings)
    wait_until(cluster.answers)
    try:
        yield cluster
    finally:
        pid_file = cluster.data / "postmaster.pid"
        if pid_file.exists():
            cluster.resume()
            cluster.stop("immediate")
        subprocess.run(["rm", "-rf", str(cluster.home)], check=True)
