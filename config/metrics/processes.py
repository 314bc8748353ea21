"""Metric files of worker processes that have ended: the last values of their gauges must not be included."""

import os
import re
from pathlib import Path

from prometheus_client.multiprocess import mark_process_dead

_LIVE = re.compile(r"gauge_live[a-z]*_(\d+)\.db")


def forget_dead(directory: str) -> None:
    """granian replaces a process that has crashed. This removes the gauges of the old process and keeps its counters in
    the sums.
    """
    found = (_LIVE.fullmatch(file.name) for file in Path(directory).iterdir())
    for pid in {int(name[1]) for name in found if name}:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, directory)
