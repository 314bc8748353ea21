"""The load on the site of a module, from its first fault to its last."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import table
from tests.faults.fault import LIMITS, check_jobs
from tests.faults.load import Load
from tests.faults.site import Site
from tests.lib.servers import wait_until

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == _HERE:
            item.add_marker(pytest.mark.faults)


@pytest.fixture(scope="module")
def load(site: Site, request: pytest.FixtureRequest) -> Iterator[Load]:
    """What one fault left behind must not stop what comes next. The rows go into the table of the module."""
    with Load(site) as load:
        wait_until(lambda: {answer.kind for answer in load.answers if not answer.is_error} == load.kinds)
        yield load
    try:
        check_jobs(site, load)
    finally:
        table.write(request.module.__name__.rpartition("test_")[2], site.rows, LIMITS)
