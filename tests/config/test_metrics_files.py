"""A full disk ends no worker process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from errno import ENOSPC
from pathlib import Path

import pytest
from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

from config.server.metrics_files import ReservedFile


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "counter_1.db"


@contextmanager
def opened(file: Path) -> Iterator[ReservedFile]:
    with closing(ReservedFile(str(file))) as metrics:
        yield metrics


def fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)


def written(file: ReservedFile, count: int) -> dict[str, float]:
    for number in range(count):
        file.write_value(f"{number:0200}", float(number), 0.0)
    return {f"{number:0200}": float(number) for number in range(count)}


def read(file: ReservedFile) -> dict[str, float]:
    return {key: value for key, value, _ in file.read_all_values()}


def test_the_metrics_of_the_server_are_in_such_files():
    assert values.MmapedDict is ReservedFile


def test_each_block_is_reserved_and_others_read_the_values(file):
    with opened(file) as metrics:
        values_written = written(metrics, 1000)
        status = file.stat()
    assert status.st_blocks * 512 >= status.st_size > 200_000
    assert {key: value for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file))} == values_written


def test_without_space_the_values_are_in_memory(file, monkeypatch):
    fill_the_disk(monkeypatch)
    with opened(file) as metrics:
        assert written(metrics, 1000) == read(metrics)


def test_a_file_that_cannot_grow_continues_in_memory(file, monkeypatch):
    with opened(file) as metrics:
        before = written(metrics, 100)
        fill_the_disk(monkeypatch)
        assert read(metrics) == before
        assert written(metrics, 1000) == read(metrics)


@pytest.mark.skipif(os.getuid() != 0 or sys.platform != "linux", reason="mounts a small file system")
def test_a_process_whose_disk_is_full_goes_on_counting(tmp_path):
    """Without the reservation, SIGBUS ends the process."""
    counting = """
import os, sys
from pathlib import Path
import config.server
from prometheus_client import Counter
counter = Counter("of_a_test", "", ["name"])
counter.labels("first").inc()
with open(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"], "fill"), "wb", buffering=0) as fill:
    try:
        while True:
            fill.write(b"x" * 4096)
    except OSError:
        pass
for number in range(2000):
    counter.labels(f"{number:0100}").inc()
print(counter.labels("first")._value.get(), counter.labels(f"{1999:0100}")._value.get())
"""
    mounted = f"mount -t tmpfs -o size=400k tmpfs {tmp_path} && exec {sys.executable} -c '{counting}'"
    command = ["unshare", "--mount", "sh", "-c", mounted]
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(done.stderr)
    assert (done.stdout, done.returncode) == ("1.0 1.0\n", 0), done.stderr
