"""The faults of a site whose servers are behind HAProxy, with the configuration in deploy/haproxy."""

from collections.abc import Iterator

import pytest

from tests.faults import cluster, haproxy
from tests.faults import site as sites
from tests.faults.fault import Fault, check
from tests.faults.load import Load
from tests.faults.site import Site
from tests.faults.test_faults import close_sockets, large_bodies, replace_servers, slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if reason := haproxy.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("haproxy")
    with sites.running(
        folder, cluster.running(folder / "database"), haproxy.before_servers,
        TRUSTED_PROXIES="127.0.0.1", PROXY_SECRETS=haproxy.SECRET,
    ) as site:  # fmt: skip
        yield site


FAULTS = [
    Fault("PostgreSQL: kill -9, then start", lambda site: site.database.kill(), lambda site: site.database.start(),
          spares_independent=True),
    Fault("server: kill -9, then start", lambda site: site.servers[0].kill(), lambda site: site.servers[0].start()),
    Fault("server: SIGSTOP", lambda site: site.servers[0].pause(), lambda site: site.servers[0].resume()),
    Fault("servers: replaced one by one", replace_servers, seconds=0, spares_all=True),
    Fault("HAProxy: kill -9, then start", lambda site: site.proxy.kill(), lambda site: site.proxy.start()),
    Fault("60 slow headers at HAProxy", slow("headers", at_proxy=True), close_sockets, spares_independent=True),
    Fault("60 slow bodies at HAProxy", slow("bodies", at_proxy=True), close_sockets, spares_independent=True),
    Fault("60 slow readers at HAProxy", slow("readers", at_proxy=True), close_sockets, spares_independent=True),
    Fault("20 bodies of 900 kB through HAProxy", large_bodies, close_sockets, spares_independent=True),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_nothing_is_lost_or_doubled_and_all_are_served_again(site: Site, load: Load, fault: Fault) -> None:
    check(site, load, fault)
