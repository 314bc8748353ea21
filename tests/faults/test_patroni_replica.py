"""Fail-overs that Patroni decides on, while the site also uses the standby as a replica for reads
(docs/operating.md).
"""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from tests.faults import patroni
from tests.faults import site as sites
from tests.faults.fault import Fault, check
from tests.faults.load import Load
from tests.faults.reads import wait_for_replica
from tests.faults.site import Site
from tests.faults.test_patroni import lose, wait_for_other


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if reason := patroni.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("patroni-replica")
    with patroni.running(folder) as managed:
        replica = managed.other(managed.primary)
        with sites.running(folder, nullcontext(managed), DATABASE_REPLICA_URL=replica.url) as site:
            yield site


def _kill_standby(site: Site) -> None:
    site.database.other(site.database.primary).kill()


FAULTS = [
    Fault("switchover: the replica becomes the primary", lambda site: site.database.switch_over(), seconds=0,
          spares_independent=True),
    Fault("switchover: the primary becomes the replica again", lambda site: site.database.switch_over(), seconds=0,
          spares_independent=True),
    Fault("machine of the replica: kill -9, then start", _kill_standby, lambda site: site.database.heal(), seconds=12),
    Fault("machine of the primary: kill -9", lambda site: lose(site).kill(), wait_for_other, spares_independent=True),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_nothing_is_lost_or_doubled_and_all_see_what_they_wrote(site: Site, load: Load, fault: Fault) -> None:
    replica = site.environment["DATABASE_REPLICA_URL"]
    try:
        check(site, load, fault)
    finally:
        site.database.heal()
    if site.database.primary.url != replica:
        wait_for_replica(site)
