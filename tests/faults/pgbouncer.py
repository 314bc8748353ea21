"""pgbouncer in front of PostgreSQL, with the file of docs/operating.md."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg.rows import DictRow, dict_row

from demo.postgres_files import UNPRIVILEGED
from tests.faults import cluster
from tests.faults.cluster import Cluster
from tests.faults.process import Process
from tests.lib import servers
from tests.lib.document_blocks import blocks

#: Earlier versions lose psycopg's prepared statements in transaction mode.
OLDEST = (1, 22)
#: The name of the replica's database at pgbouncer.
REPLICA = "replica"
SETTINGS = {"statement_timeout": "5s", "lock_timeout": "3s", "idle_in_transaction_session_timeout": "10s"}


@dataclass
class Pooled:
    cluster: Cluster
    replica: Cluster | None
    pooler: Process
    port: int

    @property
    def url(self) -> str:
        return self.cluster.url

    @property
    def url_of_site(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{cluster.DATABASE}"

    @property
    def url_of_replica(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{REPLICA}"

    @property
    def url_of_worker(self) -> str:
        return self.cluster.url

    def server_connections(self) -> set[int]:
        """Returns the PostgreSQL processes that pgbouncer is connected to."""
        return {int(row["remote_pid"]) for row in self._tell("SHOW SERVERS")}

    def reconnect(self) -> None:
        """Replaces each connection to PostgreSQL once its transaction has ended. The connections of the site to
        pgbouncer stay open.
        """
        before = self.server_connections()
        self._tell("RECONNECT")
        servers.wait_until(lambda: not before & self.server_connections())

    def _tell(self, command: LiteralString) -> list[DictRow]:
        url = f"postgresql://postgres@127.0.0.1:{self.port}/pgbouncer"
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as console:
            said = console.execute(command)
            return said.fetchall() if said.description else []


def missing() -> str:
    """Returns why pgbouncer cannot run on this machine."""
    program = shutil.which("pgbouncer")
    if program is None:
        return "pgbouncer is not on this machine"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(map(int, re.findall(r"\d+", said)[:2]))
    return "" if version >= OLDEST else f"pgbouncer {'.'.join(map(str, version))} is older than 1.22"


@contextmanager
def running(folder: Path, *, has_replica: bool = False) -> Iterator[Pooled]:
    with ExitStack() as stack:
        database = stack.enter_context(cluster.running(folder / "database"))
        replica = stack.enter_context(cluster.standby_of(database, folder / "replica")) if has_replica else None
        with psycopg.connect(database.url, autocommit=True) as connection:
            for name, value in SETTINGS.items():
                connection.execute(f"ALTER ROLE postgres SET {name} = '{value}'")  # type: ignore[arg-type]
        yield stack.enter_context(before(database, folder / "pgbouncer", replica))


@contextmanager
def before(database: Cluster, folder: Path, replica: Cluster | None = None, **changes: object) -> Iterator[Pooled]:
    """Runs pgbouncer in front of a database. `changes` replace some of its settings."""
    port = servers.free_port()
    pooler = Process(_command(folder, database, replica, port, changes), dict(os.environ), folder / "log")
    pooler.start()
    try:
        yield Pooled(database, replica, pooler, port)
    finally:
        pooler.stop()


def _command(
    folder: Path, database: Cluster, replica: Cluster | None, port: int, changes: Mapping[str, object]
) -> list[object]:
    folder.mkdir()
    [configuration] = blocks((servers.ROOT / "docs/operating.md").read_text(), language="ini")
    users = folder / "users"
    users.write_text('"postgres" ""\n')
    databases = f"{cluster.DATABASE} = host=127.0.0.1 port={database.port}"
    if replica is not None:
        databases += f"\n{REPLICA} = host=127.0.0.1 port={replica.port} dbname={cluster.DATABASE}"
    for documented, here in {
        "countersign = host=127.0.0.1 port=5432": databases,
        "listen_port = 6432": f"listen_port = {port}\nunix_socket_dir =",
        "auth_type = scram-sha-256": "auth_type = trust\nadmin_users = postgres",
        "/etc/pgbouncer/userlist.txt": str(users),
    }.items():
        assert documented in configuration
        configuration = configuration.replace(documented, here)
    for name, value in changes.items():
        configuration, number = re.subn(rf"(?m)^{name} = .*$", f"{name} = {value}", configuration)
        assert number == 1, name
    file = folder / "pgbouncer.ini"
    file.write_text(configuration)
    servers.open_to_passers_by(folder)
    as_user = ["-u", UNPRIVILEGED] if os.geteuid() == 0 else []
    return ["pgbouncer", *as_user, file]
