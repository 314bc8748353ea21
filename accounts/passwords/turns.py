"""The processes of one server take turns at computing password hashes, so that a flood of logins leaves CPUs for tokens
and the API. With two processes on two CPUs, the p95 of token requests in a flood is a quarter lower
(docs/performance.md).
"""

import fcntl
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

#: A process locks one of these files while it computes a hash. Empty if it takes no turns with other processes.
_files: list[Path] = []


def take(directory: Path, at_once: int) -> None:
    """From now on, at most `at_once` of the processes that share this directory compute a hash at the same time."""
    _files[:] = [directory / f"password-hash-{number}.lock" for number in range(at_once)]


@contextmanager
def turn() -> Iterator[None]:
    """Waits until it is the turn of this process. The kernel ends the turn of a process that is killed."""
    with ExitStack() as stack:
        with suppress(OSError):  # the directory is gone because the server stops, or the disk is full: no turns then
            opened = [stack.enter_context(file.open("a")) for file in _files]
            if opened and not any(_is_free(file) for file in opened):
                fcntl.flock(random.choice(opened), fcntl.LOCK_EX)  # noqa: S311 (no secret)
        yield


def _is_free(file: IO[str]) -> bool:
    """Locks the file if no other process has locked it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
