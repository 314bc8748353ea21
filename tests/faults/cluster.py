"""Real PostgreSQL servers on loopback, which a test starts, stops, pauses and kills."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

from demo.postgres_files import Account, account_for, install, place
from tests.faults import reaper
from tests.lib.servers import free_port, wait_until

DATABASE = "postgres"
#: Few, so that a test can use up all connections.
CONNECTIONS = {"max_connections": "60"}
_SETTINGS = {
    "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "log_min_messages": "fatal", "fsync": "off",
    "shared_buffers": "32MB", "wal_level": "replica", **CONNECTIONS,
}  # fmt: skip


@dataclass
class Cluster:
    programs: Path
    home: Path
    account: Account
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)

    @property
    def data(self) -> Path:
        return self.home / "cluster"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def url_of_site(self) -> str:
        return self.url

    def create(self) -> None:
        self._run("initdb", f"--pgdata={self.data}", "--username=postgres", "--auth=trust", "--encoding=UTF8",
                  "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions",
                  "--no-sync")  # fmt: skip

    def copy(self, primary: "Cluster") -> None:
        """Makes this server a streaming standby of a running primary."""
        url = f"postgresql://postgres@127.0.0.1:{primary.port}/?application_name=standby"
        self._run("pg_basebackup", f"--pgdata={self.data}", f"--dbname={url}", "--checkpoint=fast", "--no-sync",
                  "--write-recovery-conf")  # fmt: skip

    def promote(self) -> None:
        self._run("pg_ctl", "promote", "--wait", f"--pgdata={self.data}")

    def start(self) -> None:
        options = " ".join(f"-c {name}='{value}'" for name, value in {**_SETTINGS, **self.settings}.items())
        self._run("pg_ctl", "start", "--wait", f"--pgdata={self.data}", f"--log={self.home / 'log'}",
                  f"--options=-p {self.port} {options}")  # fmt: skip

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "stop", "--wait", f"--mode={mode}", f"--pgdata={self.data}")

    def kill(self) -> None:
        """Sends SIGKILL to the postmaster and all its children, as if the machine had lost power."""
        postmaster = self._postmaster()
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, timeout=60)

    def pause(self) -> None:
        """Sends SIGSTOP: the server no longer answers, but the kernel still accepts connections."""
        postmaster = self._postmaster()
        for process in (postmaster, *postmaster.children(recursive=True)):
            process.suspend()

    def resume(self) -> None:
        postmaster = self._postmaster()
        for process in (*postmaster.children(recursive=True), postmaster):
            process.resume()

    def runs(self) -> bool:
        try:
            return self._postmaster().is_running()
        except (psutil.NoSuchProcess, FileNotFoundError):
            return False

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
def running(directory: Path, *, disk_bytes: int = 0, **settings: str) -> Iterator[Cluster]:
    """Runs a server. With `disk_bytes`, its files are on a disk of that size, which needs root."""
    with _empty(directory, disk_bytes=disk_bytes, **settings) as cluster:
        cluster.create()
        cluster.start()
        wait_until(cluster.answers)
        yield cluster


@contextmanager
def standby_of(primary: Cluster, directory: Path, **settings: str) -> Iterator[Cluster]:
    with _empty(directory, **settings) as cluster:
        cluster.copy(primary)
        cluster.start()
        yield cluster


@contextmanager
def _empty(directory: Path, *, disk_bytes: int = 0, **settings: str) -> Iterator[Cluster]:
    account = account_for(directory)
    cluster = Cluster(install(account), place(directory, account), account, settings)
    with ExitStack() as stack:
        reaper.will_end_database(cluster.data)
        reaper.will_remove(cluster.home)
        stack.callback(subprocess.run, ["rm", "-rf", str(cluster.home)], check=True)
        if disk_bytes:
            size = f"size={disk_bytes},mode=0700,uid={account.uid},gid={account.gid}"
            cluster.data.mkdir()
            reaper.will_remove(cluster.data, is_mounted=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", size, "countersign", cluster.data], check=True)
            stack.callback(subprocess.run, ["umount", cluster.data], check=True)
        stack.callback(_end, cluster)
        yield cluster


def _end(cluster: Cluster) -> None:
    if cluster.runs():
        cluster.resume()
        cluster.stop("immediate")


def may_mount() -> bool:
    return os.geteuid() == 0
