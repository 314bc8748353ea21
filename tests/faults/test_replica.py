"""Reads that may be a second old, with a streaming replica that lags, stops and dies."""

import re
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from tests.faults import cluster
from tests.faults import site as sites
from tests.faults.cluster import Cluster
from tests.faults.site import Site
from tests.lib.servers import wait_until

#: High, so that a pause of the test never makes the replica too old. `tests/config/database` tests the maximum age.
MAX_AGE_SECONDS = "600"
_STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*): ([^\n]*)")


@dataclass
class Replicated:
    site: Site
    replica: Cluster
    place: int = 0

    def read(self) -> list[dict[str, Any]]:
        answer = self._ask("GET")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    def pay(self, key: str) -> str:
        seed = self.site.seed
        body = {
            "source_account_id": seed["source"], "destination": {"account_id": seed["destination"]},
            "amount": {"currency": "GBP", "minor_units": 100}, "reference": key,
        }  # fmt: skip
        answer = self._ask("POST", json=body, headers={"Idempotency-Key": key})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def _ask(self, method: str, *, headers: dict[str, str] | None = None, **options: Any) -> requests.Response:
        bearer = {"Authorization": f"Bearer {self.site.seed['access_token']}", **(headers or {})}
        return requests.request(method, f"{self.site.url}/api/v1/transfers", headers=bearer, timeout=30, **options)

    def asked_since(self) -> list[str]:
        """Returns the statements about transfers that the replica has received since the last call."""
        text = (self.replica.home / "log").read_text()
        new, self.place = text[self.place :], len(text)
        return [one for one in _STATEMENT.findall(new) if '"transfer"' in one]

    def is_read(self) -> bool:
        """Whether a read is sent to the replica."""
        self.asked_since()
        self.read()
        return bool(self.asked_since())

    def catches_up(self) -> None:
        """Waits until all four worker processes read from the replica again."""
        wait_until(lambda: all(self.is_read() for _ in range(12)))

    def on_replica(self, statement: str) -> Any:
        with psycopg.connect(self.replica.url, autocommit=True) as connection:
            found = connection.execute(statement)  # type: ignore[call-overload]
            return found.fetchone() if found.description else None


@pytest.fixture(scope="module")
def replicated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicated]:
    folder: Path = tmp_path_factory.mktemp("replica")
    log = {"log_statement": "all", "log_min_messages": "log"}
    with cluster.running(folder / "first") as primary, cluster.standby_of(primary, folder / "second", **log) as replica:
        variables = {"DATABASE_REPLICA_URL": replica.url, "REPLICA_MAX_AGE": MAX_AGE_SECONDS}
        with sites.running(folder, nullcontext(primary), **variables) as site:
            both = Replicated(site, replica)
            both.catches_up()
            yield both


def test_a_list_is_one_statement_of_the_replica(replicated: Replicated) -> None:
    replicated.asked_since()
    replicated.read()
    assert len(replicated.asked_since()) == 1


def test_a_user_reads_what_they_wrote_while_the_replica_lacks_it(replicated: Replicated) -> None:
    """This holds on both servers and in all of their processes, until the replica has the write."""
    replicated.catches_up()
    replicated.on_replica("SELECT pg_wal_replay_pause()")
    paid = replicated.pay("while-the-replica-lags")
    replicated.asked_since()
    for _ in range(12):
        assert replicated.read()[0]["id"] == paid
    assert replicated.asked_since() == []
    replicated.on_replica("SELECT pg_wal_replay_resume()")
    replicated.catches_up()
    assert replicated.read()[0]["id"] == paid


def test_a_replica_that_receives_nothing_is_not_read(replicated: Replicated) -> None:
    """Such a replica has replayed everything that it has received, but it still lacks newer writes."""
    replicated.catches_up()
    [of_primary] = replicated.on_replica("SELECT quote_literal(current_setting('primary_conninfo'))")
    replicated.on_replica("ALTER SYSTEM SET primary_conninfo = ''")
    replicated.on_replica("SELECT pg_reload_conf()")
    wait_until(lambda: not any(replicated.is_read() for _ in range(12)))
    replicated.on_replica(f"ALTER SYSTEM SET primary_conninfo = {of_primary}")
    replicated.on_replica("SELECT pg_reload_conf()")
    replicated.catches_up()


def test_a_replica_that_hangs_or_dies_is_not_noticed(replicated: Replicated) -> None:
    """Only the first reads are delayed, by some seconds."""
    replicated.catches_up()
    replicated.replica.pause()
    assert all(replicated.read() for _ in range(12))
    replicated.replica.resume()
    replicated.catches_up()
    replicated.replica.kill()
    assert all(replicated.read() for _ in range(12))
    replicated.replica.start()
    replicated.catches_up()
