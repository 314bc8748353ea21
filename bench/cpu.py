"""CPU time and memory of process trees, from /proc."""

import psutil


def of_tree(pid: int) -> float:
    """Seconds that the process, its living children and their dead ones have used."""
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(sum(process.cpu_times()[:4]) for process in processes)


def memory_mb_of_tree(pid: int) -> float:
    """Resident memory of the process and its children. A page that several processes share counts once (PSS)."""
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(float(process.memory_full_info().pss) for process in processes) / 1e6


def postmaster_of(directory: str) -> int:
    """The pid of the PostgreSQL whose data are in this directory."""
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if command and command[0].endswith("postgres") and any(directory in part for part in command):
            return int(process.pid)
    raise RuntimeError(f"no PostgreSQL runs on {directory}")
