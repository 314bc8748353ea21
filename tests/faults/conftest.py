"""The load on the site of a module, from its first fault to its last."""

import signal
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults import table
from tests.faults.fault import LIMITS, check_jobs
from tests.faults.load import Load
from tests.faults.site import Site
from tests.lib.servers import wait_until

_HERE = Path(__file__).parent
#: The time limit for a fixture, or for a fault with its checks, on a busy machine.
MOST_SECONDS = 600
#: Modules in which a test failed or was skipped.
_not_whole: set[Path] = set()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == _HERE:
            item.add_marker(pytest.mark.faults)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    _not_whole.update(item.path for item in items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        _not_whole.add(item.path)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None]:
    with _not_for_ever():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    with _not_for_ever():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None]:
    with _not_for_ever():
        yield


@contextmanager
def _not_for_ever() -> Iterator[None]:
    """Makes a test that hangs fail, so that its processes are ended and later tests run."""

    def give_up(*_: object) -> None:
        raise TimeoutError(f"still not done after {MOST_SECONDS} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(MOST_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session", autouse=True)
def _template(django_db_modify_db_settings: object) -> None:
    """Creates the tables that `site.running` copies."""


@pytest.fixture(scope="module")
def load(site: Site, request: pytest.FixtureRequest) -> Iterator[Load]:
    """Yields the load, which continues over all faults of the module. At the end, the rows are written into the table
    of the module.
    """
    with Load(site) as load:
        wait_until(lambda: {answer.kind for answer in load.answers if not answer.is_error} == load.kinds)
        wait_until(lambda: all(server.knows("service") for server in site.servers))
        yield load
    is_whole = False
    try:
        check_jobs(site, load)
        is_whole = request.path not in _not_whole
    finally:
        name = request.module.__name__.rpartition("test_")[2]
        table.write(name, site.rows, LIMITS, is_whole=is_whole)
