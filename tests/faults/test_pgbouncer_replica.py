"""The faults of a site whose servers reach PostgreSQL and a replica through one pgbouncer (docs/operating.md)."""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from tests.faults import pgbouncer
from tests.faults import site as sites
from tests.faults.fault import Fault, check
from tests.faults.load import Load
from tests.faults.reads import wait_for_replica
from tests.faults.site import Site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if reason := pgbouncer.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("pgbouncer-replica")
    with pgbouncer.running(folder, has_replica=True) as pooled:
        variables = {"DATABASE_REPLICA_URL": pooled.url_of_replica, "DB_SERVER_SIDE_CURSORS": "off"}
        with sites.running(folder, nullcontext(pooled), **variables) as site:
            yield site


FAULTS = [
    Fault("pgbouncer: kill -9, then start", lambda site: site.database.pooler.kill(),
          lambda site: site.database.pooler.start(), spares_independent=True),
    Fault("replica behind it: kill -9, then start", lambda site: site.database.replica.kill(),
          lambda site: site.database.replica.start(), spares_all=True),
    Fault("replica behind it: SIGSTOP", lambda site: site.database.replica.pause(),
          lambda site: site.database.replica.resume(), spares_all=True),
    Fault("PostgreSQL behind it: kill -9, then start", lambda site: site.database.cluster.kill(),
          lambda site: site.database.cluster.start(), spares_independent=True),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_nothing_is_lost_or_doubled_and_all_see_what_they_wrote(site: Site, load: Load, fault: Fault) -> None:
    wait_for_replica(site)
    check(site, load, fault)
    wait_for_replica(site)
