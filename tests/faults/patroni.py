"""Two PostgreSQL servers under Patroni, with etcd, and with the settings of docs/operating.md.

PATRONI names the program, if it is not on the PATH; patronictl is beside it. As root, the tests run it as an
unprivileged user.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests
import yaml

from demo.postgres_files import Account, account_for, install, place
from tests.faults import cluster, reaper
from tests.faults.process import Process
from tests.lib import servers
from tests.lib.document_blocks import blocks
from tests.lib.servers import ROOT, free_port, wait_until

SCOPE = "countersign"
_PARAMETERS = {
    "fsync": "off", "shared_buffers": "32MB", "log_min_messages": "fatal", "unix_socket_directories": "",
    **cluster.CONNECTIONS,
}  # fmt: skip


def program() -> str | None:
    return os.environ.get("PATRONI") or shutil.which("patroni")


def missing() -> str:
    """Returns why Patroni cannot run on this machine."""
    patroni = program()
    if not patroni:
        return "patroni is not on the PATH, and PATRONI does not name it"
    if not _starts(patroni):
        return f"{patroni} does not start for the user that PostgreSQL runs as"
    return "" if shutil.which("etcd") else "etcd is not on this machine"


def _starts(patroni: str) -> bool:
    try:
        return account_for(Path(tempfile.gettempdir())).run([patroni, "--version"]).returncode == 0
    except PermissionError:
        return False


class Node(Process):
    """Patroni and its PostgreSQL: one machine."""

    def __init__(self, name: str, folder: Path, etcd: str) -> None:
        self.name, self.folder = name, folder / name
        self.folder.mkdir()
        self.account = account_for(self.folder)
        self.home = place(self.folder, self.account)
        self.port, self.rest_port = free_port(), free_port()
        self.configuration = folder / f"{name}.yml"
        self.configuration.write_text(yaml.safe_dump(self._settings(etcd)))
        servers.open_to_passers_by(folder)
        user = {} if self.account.uid is None else _as(self.account)
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": str(self.home)}
        super().__init__(
            [program(), self.configuration],
            environment,
            folder / f"{name}.log",
            cwd="/",
            start_new_session=True,
            **user,
        )

    def _settings(self, etcd: str) -> dict[str, Any]:
        [documented] = blocks((ROOT / "docs/operating.md").read_text(), "With Patroni", "yaml")
        found: dict[str, Any] = yaml.safe_load(documented)
        found["bootstrap"]["dcs"]["postgresql"]["parameters"] |= _PARAMETERS
        address = f"127.0.0.1:{self.port}"
        return found | {
            "name": self.name,
            "etcd3": {"host": etcd},
            "restapi": {"listen": f"127.0.0.1:{self.rest_port}", "connect_address": f"127.0.0.1:{self.rest_port}"},
            "bootstrap": {
                **found["bootstrap"],
                "initdb": [
                    {"encoding": "UTF8"}, {"locale": "C"}, {"locale-provider": "builtin"}, {"builtin-locale": "C.UTF-8"},
                    "no-sync",
                ],
            },
            "postgresql": {
                **found["postgresql"],
                "listen": address, "connect_address": address, "data_dir": str(self.home / "cluster"),
                "bin_dir": str(install(self.account)),
                "pg_hba": ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"],
                "authentication": {"superuser": {"username": "postgres"}, "replication": {"username": "replicator"}},
            },
        }  # fmt: skip

    @property
    def data(self) -> Path:
        return self.home / "cluster"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{cluster.DATABASE}"

    def is_(self, role: str) -> bool:
        """Whether Patroni's REST API says that this node has the role: `primary`, or `synchronous` for a standby that
        each COMMIT waits for.
        """
        try:
            return requests.get(f"http://127.0.0.1:{self.rest_port}/{role}", timeout=1).ok
        except requests.RequestException:
            return False

    def has_started(self) -> bool:
        return self.is_("health")

    def last_words(self) -> str:
        return self.log.read_text()[-3000:]

    def database(self) -> list[psutil.Process]:
        """PostgreSQL, which Patroni starts so that it outlives Patroni."""
        try:
            top = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
            return [top, *top.children(recursive=True)]
        except (FileNotFoundError, psutil.NoSuchProcess):
            return []

    def tree(self) -> list[psutil.Process]:
        return [*super().tree(), *self.database()]

    def kill_database(self) -> None:
        processes = self.database()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=60)

    def remove(self) -> None:
        subprocess.run(["rm", "-rf", str(self.home)], check=True)


def _as(account: Account) -> dict[str, Any]:
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


@dataclass
class Managed:
    nodes: list[Node]

    @property
    def primary(self) -> Node:
        wait_until(lambda: any(node.is_("primary") for node in self.nodes))
        return next(node for node in self.nodes if node.is_("primary"))

    @property
    def url(self) -> str:
        return self.primary.url

    @property
    def url_of_site(self) -> str:
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql://postgres@{hosts}/{cluster.DATABASE}?target_session_attrs=read-write"

    def other(self, node: Node) -> Node:
        return next(one for one in self.nodes if one is not node)

    def is_whole(self) -> bool:
        """Whether one node accepts writes, and each COMMIT waits for the other node."""
        return sum(node.is_("primary") for node in self.nodes) == 1 and any(
            node.is_("synchronous") for node in self.nodes
        )

    def switch_over(self) -> None:
        old = self.primary
        done = subprocess.run(
            [Path(program() or "").with_name("patronictl"), "-c", old.configuration, "switchover", SCOPE,
             "--primary", old.name, "--candidate", self.other(old).name, "--force"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    def wait_for_primary(self, other_than: Node) -> None:
        new = self.other(other_than)
        wait_until(lambda: new.is_("primary"), or_else=new.last_words)

    def heal(self) -> None:
        """Restarts the lost node, which becomes a standby."""
        for node in self.nodes:
            node.resume()
            if node.process is None or node.process.poll() is not None:
                node.start()
        wait_until(self.is_whole, or_else=self.last_words)

    def last_words(self) -> str:
        return "\n".join(node.last_words() for node in self.nodes)


@contextmanager
def running(folder: Path) -> Iterator[Managed]:
    with ExitStack() as stack:
        client, peer = free_port(), free_port()
        etcd = Process(_etcd(folder, client, peer), dict(os.environ), folder / "etcd.log")
        etcd.start()
        stack.callback(etcd.stop)
        wait_until(lambda: servers.answers(f"http://127.0.0.1:{client}/health"), or_else=lambda: etcd.log.read_text())
        nodes = []
        for name in ("first", "second"):
            node = Node(name, folder, f"127.0.0.1:{client}")
            reaper.will_end_database(node.data)
            reaper.will_remove(node.home)
            stack.callback(node.remove)
            node.start()
            stack.callback(node.stop)
            nodes.append(node)
            wait_until(nodes[-1].has_started, or_else=nodes[-1].last_words)
        managed = Managed(nodes)
        wait_until(managed.is_whole, or_else=managed.last_words)
        yield managed


def _etcd(folder: Path, client: int, peer: int) -> list[object]:
    me, here = f"http://127.0.0.1:{peer}", f"http://127.0.0.1:{client}"
    return [
        "etcd", "--name", "one", "--data-dir", folder / "etcd", "--listen-client-urls", here,
        "--advertise-client-urls", here, "--listen-peer-urls", me, "--initial-advertise-peer-urls", me,
        "--initial-cluster", f"one={me}", "--log-level", "error",
    ]  # fmt: skip
