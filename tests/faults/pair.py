"""A primary and its synchronous standby. The site knows both hosts, and finds the one that accepts writes."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.faults import cluster
from tests.faults.cluster import Cluster
from tests.lib.servers import wait_until


@dataclass
class Pair:
    primary: Cluster
    standby: Cluster

    @property
    def url(self) -> str:
        return self.primary.url

    @property
    def url_of_site(self) -> str:
        """The URL of the database for the site, which stays the same after a fail-over."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in sorted([self.primary.port, self.standby.port]))
        return f"postgresql://postgres@{hosts}/{cluster.DATABASE}?target_session_attrs=read-write"

    def promote(self) -> None:
        """Promotes the standby, which then waits for no other standby."""
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary
        self._set("ALTER SYSTEM RESET synchronous_standby_names")

    def rebuild(self) -> None:
        """Makes the old primary the standby of the new one."""
        if self.standby.runs():
            self.standby.resume()
            self.standby.stop("immediate")
        shutil.rmtree(self.standby.data)
        self.standby.copy(self.primary)
        self.standby.start()
        self.wait_for_standby()

    def wait_for_standby(self) -> None:
        """From now on, a COMMIT is acknowledged only after the standby has it."""
        self._set("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
        wait_until(self._is_synchronous)

    def _is_synchronous(self) -> bool:
        with psycopg.connect(self.url) as connection:
            return bool(connection.execute("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'").fetchone())

    def _set(self, command: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(command)  # type: ignore[arg-type]
            connection.execute("SELECT pg_reload_conf()")


@contextmanager
def running(folder: Path) -> Iterator[Pair]:
    with ExitStack() as stack:
        primary = stack.enter_context(cluster.running(folder / "first"))
        standby = stack.enter_context(cluster.standby_of(primary, folder / "second"))
        both = Pair(primary, standby)
        both.wait_for_standby()
        yield both
