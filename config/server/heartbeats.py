"""Which worker processes are alive. Each touches its own file about once a second; the server reads the times of the
files.

A process that is suspended or deadlocked stops touching its file, although the operating system still lists it.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

VARIABLE = "HEARTBEATS_DIRECTORY"  # set by `serve` for its workers
#: A beat comes every second, or every three while the database does not answer.
SECONDS = 10.0

_serves = False


def begin_to_serve() -> None:
    """Called in the server's own process, which has workers and answers no requests."""
    global _serves
    _serves = True


def is_server() -> bool:
    return _serves


def beat() -> None:
    """Called in a worker process."""
    with suppress(FileNotFoundError):  # the server has stopped
        file = Path(os.environ[VARIABLE], f"worker-{os.getpid()}.alive")
        file.touch()
        # All processes of a machine share this clock. It is never set back or forward, so no process appears dead by
        # mistake.
        now = time.monotonic_ns()
        os.utime(file, ns=(now, now))


def workers_alive() -> int:
    now = time.monotonic()
    files = Path(os.environ[VARIABLE]).glob("worker-*.alive")
    return sum(now - file.stat().st_mtime < SECONDS for file in files)
