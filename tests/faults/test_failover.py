"""A fail-over to a synchronous standby, which the site finds by its list of hosts (docs/operating.md)."""

from collections.abc import Iterator

import pytest

from tests.faults import pair
from tests.faults import site as sites
from tests.faults.fault import Fault, check
from tests.faults.load import Load
from tests.faults.site import Site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("failover")
    with sites.running(folder, pair.running(folder)) as site:
        yield site


def _lose_primary_too(site: Site) -> None:
    """Kills the primary, too. Requests that had been acknowledged without the standby would now be lost."""
    site.database.primary.kill()
    site.database.standby.start()
    site.database.promote()


FAULTS = [
    Fault("primary: kill -9, then the standby is promoted", lambda site: site.database.primary.kill(),
          lambda site: site.database.promote(), spares_independent=True),
    Fault("primary: SIGSTOP, then the standby is promoted", lambda site: site.database.primary.pause(),
          lambda site: site.database.promote(), spares_independent=True),
    Fault("standby: kill -9, then start", lambda site: site.database.standby.kill(),
          lambda site: site.database.standby.start(), spares_independent=True),
    Fault("standby: kill -9; later primary: kill -9, and the standby is promoted",
          lambda site: site.database.standby.kill(), _lose_primary_too, seconds=15, spares_independent=True),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_nothing_is_lost_or_doubled_and_all_are_served_again(site: Site, load: Load, fault: Fault) -> None:
    try:
        check(site, load, fault)
    finally:
        site.database.rebuild()
