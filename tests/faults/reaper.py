"""Ends the processes that a test process has started, if that process is killed and cannot do so itself.

A separate process reads from standard input what must be ended, and ends it at the end of the input. Usage: reaper.py
"""

import atexit
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil


def will_end(process: psutil.Process) -> None:
    """Ends the process and its children."""
    with suppress(psutil.NoSuchProcess):
        _tell("process", process.pid, process.create_time())


def will_end_database(data: Path) -> None:
    """Ends PostgreSQL with its data in this directory. It is a daemon, not a child of the test process."""
    _tell("database", str(data))


def will_remove(directory: Path, *, is_mounted: bool = False) -> None:
    _tell("mount" if is_mounted else "directory", str(directory))


def _tell(*what: object) -> None:
    pipe = _reaper().stdin
    assert pipe
    pipe.write(json.dumps(what).encode() + b"\n")
    pipe.flush()


@cache
def _reaper() -> "subprocess.Popen[bytes]":
    started = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
    )
    atexit.register(started.communicate)
    return started


def main() -> None:
    told = [json.loads(line) for line in sys.stdin]
    for kind in _ENDS:
        for one in told:
            if one[0] == kind:
                _ENDS[kind](*one[1:])


def _end_process(pid: int, created_at: float) -> None:
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if process.create_time() == created_at:
            _kill(process)


def _end_database(data: str) -> None:
    with suppress(psutil.NoSuchProcess, FileNotFoundError, IndexError):
        _kill(psutil.Process(int((Path(data) / "postmaster.pid").read_text().split()[0])))


def _kill(top: psutil.Process) -> None:
    processes = [top, *top.children(recursive=True)]
    for one in processes:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(processes, timeout=10)


def _unmount(directory: str) -> None:
    if Path(directory).is_mount():
        subprocess.run(["umount", directory], check=False)


def _remove(directory: str) -> None:
    subprocess.run(["rm", "-rf", directory], check=False)


#: The order matters, because a disk is in use until its database has ended.
_ENDS: dict[str, Callable[..., None]] = {
    "process": _end_process, "database": _end_database, "mount": _unmount, "directory": _remove,
}  # fmt: skip


if __name__ == "__main__":
    main()
