"""`serve --with-worker`: the background worker beside the server."""

import re
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from tests.lib.servers import PATIENCE_SECONDS, Server, run, wait_until

pytestmark = pytest.mark.served


def test_it_is_started_again_and_ends_with_the_server(database_url: str, tmp_path: Path) -> None:
    with serving(database_url, tmp_path) as server:
        first = newest(server, 1)
        first.kill()
        wait_until(lambda: "ended with exit code -9" in server.log)
        second = newest(server, 2)
        wait_until(lambda: "Starting worker" in server.log.rpartition("The background worker is process")[2])
        assert server.stop() == 0
        assert not second.is_running()


def test_a_server_that_is_killed_leaves_none(database_url: str, tmp_path: Path) -> None:
    with serving(database_url, tmp_path) as server:
        worker = newest(server, 1)
        server.process.kill()
        _, alive = psutil.wait_procs([worker], timeout=PATIENCE_SECONDS)
        assert not alive


def serving(database_url: str, directory: Path) -> AbstractContextManager[Server]:
    environment = {"DATABASE_URL": database_url, "LOG_LEVEL": "INFO"}
    return run("serve", "--with-worker", "--workers", "1", data_dir=directory, environment=environment)


def newest(server: Server, number: int) -> psutil.Process:
    """The worker of this number that the server has started."""
    said = re.compile(r"The background worker is process (\d+)")
    wait_until(lambda: len(said.findall(server.log)) == number, or_else=lambda: server.log)
    return psutil.Process(int(said.findall(server.log)[-1]))
