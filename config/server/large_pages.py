"""Memory of the worker processes in pages of 2 MiB (transparent huge pages) instead of 4 KiB.

The objects of a process lie in tens of thousands of small pages, and the processor looks up where each of them is. On a
virtual machine, a lookup that misses the TLB reads memory up to 24 times. glibc asks the kernel for large pages;
Python's own allocator does not, so Python must use glibc's.
"""

import os
import platform
from pathlib import Path

SETTING = Path("/sys/kernel/mm/transparent_hugepage/enabled")
#: One arena is enough, because the GIL lets only one thread allocate at a time. More arenas would keep more memory.
_TUNABLES = ("glibc.malloc.hugetlb=1", "glibc.malloc.arena_max=1")
_FIRST_GLIBC = (2, 35)


def use() -> bool:
    """Sets the environment for processes that start later. Does nothing and returns False where there is no gain, or
    where the operator has chosen an allocator: PYTHONMALLOC=pymalloc switches large pages off.
    """
    given = os.environ.get("GLIBC_TUNABLES", "")
    if "PYTHONMALLOC" in os.environ or "glibc.malloc." in given or not _is_possible():
        return False
    os.environ["PYTHONMALLOC"] = "malloc"
    os.environ["GLIBC_TUNABLES"] = ":".join(filter(None, (given, *_TUNABLES)))
    return True


def _is_possible() -> bool:
    library, version = platform.libc_ver()
    if library != "glibc" or tuple(map(int, version.split(".")[:2])) < _FIRST_GLIBC:
        return False
    return SETTING.exists() and "[never]" not in SETTING.read_text()
