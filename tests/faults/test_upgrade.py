"""From the last release to this one under load, and back: both servers and the background worker, on the tables of this
release (docs/upgrading.md)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import cluster
from tests.faults import site as sites
from tests.faults.fault import Fault, check
from tests.faults.last_release import copy_to
from tests.faults.load import Load
from tests.faults.site import Site
from tests.lib import servers


@pytest.fixture(scope="module")
def last_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_to(tmp_path_factory.mktemp("last-release"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, last_release: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("upgrade")
    with sites.running(folder, cluster.running(folder / "database"), release=last_release) as site:
        yield site


def _replace(site: Site, release: Path | None) -> None:
    """The background worker comes last, as docs/operating.md says for 0.2.0."""
    for server in site.servers:
        server.run_release(release)
        server.restart()
    site.worker.stop()
    site.worker.run_release(release)
    site.worker.start()


@pytest.mark.parametrize("direction", ["both servers upgraded", "both servers back to the last release"])
def test_no_request_fails(site: Site, load: Load, last_release: Path, direction: str) -> None:
    release = None if direction == "both servers upgraded" else last_release

    def runs_release(site: Site) -> bool:
        """Only this release has a port for probes."""
        return all(
            servers.answers(f"http://127.0.0.1:{server.health_port}/health/live") == (release is None)
            for server in site.servers
        )

    fault = Fault(direction, lambda site: _replace(site, release), seconds=0, spares_all=True, is_real=runs_release)
    check(site, load, fault)
