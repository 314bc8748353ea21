"""CPU time and memory of process trees, from /proc."""

from collections.abc import Callable

import psutil


def of_tree(pid: int) -> float:
    """CPU seconds of the process and its children, including those that have ended."""
    return _sum_over_tree(pid, lambda process: sum(process.cpu_times()[:4]))


def memory_mb_of_tree(pid: int) -> float:
    """Resident memory of the process and its children. A page that several processes share counts once (PSS)."""
    return _sum_over_tree(pid, lambda process: float(process.memory_full_info().pss)) / 1e6


def _sum_over_tree(pid: int, of_process: Callable[[psutil.Process], float]) -> float:
    """Reads again if a child ends in between, because its CPU time is then part of its parent's."""
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
