"""Fixtures of `make interop`: the site and the libraries of each language. The last line of the output names the
clients that ran.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop import site as sites
from tests.lib import toolchains

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == _HERE:
            item.add_marker(pytest.mark.interop)


@pytest.fixture(scope="session")
def site(seeded: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sites.Site]:
    with sites.running(tmp_path_factory.mktemp("interop"), seeded) as running:
        yield running


@pytest.fixture(scope="session")
def prepared() -> Callable[[toolchains.Toolchain], Path]:
    """Installs the libraries of a language and returns its directory. Skips the test if they cannot be installed."""
    known: dict[str, Path | toolchains.Missing] = {}

    def prepare(toolchain: toolchains.Toolchain) -> Path:
        if toolchain.language not in known:
            try:
                known[toolchain.language] = toolchain.prepare()
            except toolchains.Missing as missing:
                known[toolchain.language] = missing
        found = known[toolchain.language]
        if isinstance(found, toolchains.Missing):
            pytest.skip(str(found))
        return found

    return prepare


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if (marker := item.get_closest_marker("client")) and (report.when == "call" or report.outcome != "passed"):
        reason = report.longrepr[2].removeprefix("Skipped: ") if report.skipped else ""
        report.user_properties.append(("client", json.dumps([marker.args[0], report.outcome, reason])))
    return report


def pytest_unconfigure(config: pytest.Config) -> None:
    """Printed after pytest's own last line."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or config.option.markexpr != "interop":
        return
    told: dict[str, list[tuple[str, str]]] = {"passed": [], "failed": [], "skipped": []}
    for outcome, of_clients in told.items():
        for report in terminal.stats.get(outcome, []) + (
            terminal.stats.get("error", []) if outcome == "failed" else []
        ):
            for name, value in report.user_properties:
                if name == "client":
                    client, _, reason = json.loads(value)
                    of_clients.append((client, " ".join(reason.split())))
    failed = dict(told["failed"])
    skipped = dict(told["skipped"])
    ran = [name for name in dict(told["passed"]) if name not in failed]
    line = f"interop: {len(ran)} clients ran: {', '.join(ran) or 'none'}"
    if failed:
        line += f"; {len(failed)} failed: {', '.join(failed)}"
    line += f"; {len(skipped)} skipped"
    if skipped:
        line += f": {', '.join(f'{name} ({reason})' for name, reason in skipped.items())}"
    terminal.write_line(line)
