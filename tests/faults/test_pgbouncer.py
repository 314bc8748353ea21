"""The faults of a site whose servers reach PostgreSQL through pgbouncer in transaction mode (docs/operating.md)."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.faults import pgbouncer
from tests.faults import site as sites
from tests.faults.fault import Fault, check
from tests.faults.load import Load
from tests.faults.site import Site
from tests.lib.servers import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if reason := pgbouncer.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("pgbouncer")
    with sites.running(folder, pgbouncer.running(folder), DB_SERVER_SIDE_CURSORS="off") as site:
        yield site


FAULTS = [
    Fault("nothing", lambda _: None, spares_all=True),
    Fault("pgbouncer: kill -9, then start", lambda site: site.database.pooler.kill(),
          lambda site: site.database.pooler.start(), spares_independent=True),
    Fault("pgbouncer: SIGSTOP", lambda site: site.database.pooler.pause(), lambda site: site.database.pooler.resume()),
    Fault("PostgreSQL behind it: kill -9, then start", lambda site: site.database.cluster.kill(),
          lambda site: site.database.cluster.start(), spares_independent=True),
    Fault("PostgreSQL behind it: SIGSTOP", lambda site: site.database.cluster.pause(),
          lambda site: site.database.cluster.resume()),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_nothing_is_lost_or_doubled_and_all_are_served_again(site: Site, load: Load, fault: Fault) -> None:
    check(site, load, fault)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [({}, set()), ({"DB_SERVER_SIDE_CURSORS": "on"}, {"config.E025"})],
    ids=["as documented", "with cursors of the server"],
)
def test_the_checks_know_what_pgbouncer_cannot_pass_on(
    site: Site, variables: dict[str, str], expected: set[str]
) -> None:
    said = subprocess.run(
        [sys.executable, "manage.py", "check", "--database", "default"], cwd=ROOT, env=site.environment | variables,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = {word.strip("()") for word in said.stderr.split() if word.startswith("(config.")}
    assert found == expected, said.stderr
