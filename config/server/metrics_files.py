"""Keeps a full disk from ending worker processes.

prometheus_client maps a sparse file into memory. If the disk is full when a process writes to a page of the file for
the first time, the kernel ends the process (SIGBUS).
"""

import mmap
import os

import prometheus_client.values
from prometheus_client import mmap_dict

_INITIAL_BYTES: int = mmap_dict._INITIAL_MMAP_SIZE
# Of an entry besides its key: the length, the padding, the value and the time.
_MOST_BYTES_BESIDES_KEY = 4 + 8 + 16


class ReservedFile(mmap_dict.MmapedDict):
    """A MmapedDict in whose file each block is reserved before the file is mapped. If the disk is full, the values are
    kept in memory; /metrics then lacks them until the process is replaced.
    """

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        super().__init__(filename if read_mode else _reserved(filename, _INITIAL_BYTES), read_mode)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        while self._used + len(key.encode()) + _MOST_BYTES_BESIDES_KEY > self._capacity:
            self._grow()
        super()._init_value(key)  # type: ignore[no-untyped-call]

    def _grow(self) -> None:
        size = self._capacity * 2
        name = _reserved(self._fname, size)
        if name != self._fname:
            contents, self._fname = bytes(self._m), name
            self._f.close()
            self._f = open(name, "r+b")  # noqa: SIM115
            os.pwrite(self._f.fileno(), contents, 0)
        self._capacity = size
        self._m = mmap.mmap(self._f.fileno(), size)


def _reserved(filename: str, size: int) -> str:
    """Reserves the blocks of the file, which is created if it is missing, and returns its name. If there is not enough
    space, returns the name of a file in memory.
    """
    try:
        with open(filename, "a+b") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError:
        in_memory = os.memfd_create("metrics")
        os.ftruncate(in_memory, size)
        return f"/proc/self/fd/{in_memory}"
    return filename


def use() -> None:
    """Affects the metrics files that this process opens from now on. Linux only."""
    if hasattr(os, "memfd_create"):
        prometheus_client.values.MmapedDict = ReservedFile  # type: ignore[attr-defined]
