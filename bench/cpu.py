"""CPU time and memory of process trees."""

import ctypes
import os
import time
from collections.abc import Callable

import psutil

_libc = ctypes.CDLL(None)


def of_tree(pid: int) -> float:
    """CPU seconds of the process and its children, including those that have ended."""
    return _sum_over_tree(pid, _of_process)


def _of_process(process: psutil.Process) -> float:
    """The process's own time comes from its CPU clock in nanoseconds, because /proc has only hundredths of a second.
    The time of its ended children is only in /proc.
    """
    clock = ctypes.c_int()
    # Returns the number of the error instead of setting errno (POSIX clock_getcpuclockid).
    if error := _libc.clock_getcpuclockid(process.pid, ctypes.byref(clock)):
        raise psutil.NoSuchProcess(process.pid, msg=os.strerror(error))
    try:
        own = time.clock_gettime(clock.value)
    except OSError as error:  # the process has ended since
        raise psutil.NoSuchProcess(process.pid) from error
    ended = process.cpu_times()
    return own + float(ended.children_user + ended.children_system)


def memory_mb_of_tree(pid: int) -> float:
    """Resident memory of the process and its children. A page that several processes share is counted once (PSS)."""
    return _sum_over_tree(pid, lambda process: float(process.memory_full_info().pss)) / 1e6


def _sum_over_tree(pid: int, of_process: Callable[[psutil.Process], float]) -> float:
    """Reads again if a child ends meanwhile, because the child's CPU time is then counted in its parent."""
    while True:
        process = psutil.Process(pid)
        try:
            return sum(of_process(one) for one in [process, *process.children(recursive=True)])
        except psutil.NoSuchProcess:
            continue


def postmaster_of(directory: str) -> int:
    """The pid of the PostgreSQL whose data are in this directory."""
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if command and command[0].endswith("postgres") and any(directory in part for part in command):
            return int(process.pid)
    raise RuntimeError(f"no PostgreSQL runs on {directory}")
