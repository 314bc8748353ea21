"""Fail-overs that Patroni decides on. The site finds the primary by its list of hosts (docs/operating.md)."""

from collections.abc import Iterator

import pytest

from tests.faults import patroni
from tests.faults import site as sites
from tests.faults.fault import Fault, check
from tests.faults.load import Load
from tests.faults.patroni import Node
from tests.faults.site import Site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if reason := patroni.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("patroni")
    with sites.running(folder, patroni.running(folder)) as site:
        yield site


_gone: list[Node] = []


def lose(site: Site) -> Node:
    _gone.append(site.database.primary)
    return _gone[-1]


def wait_for_other(site: Site) -> None:
    site.database.wait_for_primary(other_than=_gone.pop())


FAULTS = [
    Fault("patronictl switchover", lambda site: site.database.switch_over(), seconds=0,
          spares_independent=True),
    Fault("PostgreSQL of the primary: kill -9", lambda site: lose(site).kill_database(), wait_for_other,
          spares_independent=True),
    Fault("machine of the primary: kill -9", lambda site: lose(site).kill(), wait_for_other, spares_independent=True),
    Fault("machine of the primary: SIGSTOP", lambda site: lose(site).pause(), wait_for_other),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_nothing_is_lost_or_doubled_and_all_are_served_again(site: Site, load: Load, fault: Fault) -> None:
    try:
        check(site, load, fault)
    finally:
        site.database.heal()
