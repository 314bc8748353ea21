"""The fail-overs of test_patroni.py, where HAProxy finds the primary by Patroni's REST API (docs/operating.md)."""

from collections.abc import Iterator

import pytest

from tests.faults import haproxy, patroni
from tests.faults import site as sites
from tests.faults.fault import Fault, check
from tests.faults.load import Load
from tests.faults.site import Site
from tests.faults.test_patroni import FAULTS


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if reason := haproxy.missing() or patroni.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("patroni-haproxy")
    with sites.running(folder, haproxy.before_patroni(folder)) as site:
        yield site


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_nothing_is_lost_or_doubled_and_all_are_served_again(site: Site, load: Load, fault: Fault) -> None:
    try:
        check(site, load, fault)
    finally:
        site.database.heal()
