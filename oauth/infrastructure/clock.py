"""The clock of the database, which is the same for all hosts.

Use it for times that one host stores and another compares within minutes: otherwise a host with a wrong clock would
treat a retry as theft. The site measures the difference (`config/database`); without it, the host's own clock is used.
Times in tokens are those of the host, because other servers verify them.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone


def _right() -> float:
    return 0.0


_seconds_ahead: Callable[[], float] = _right


def measured_by(seconds_ahead: Callable[[], float]) -> None:
    """`seconds_ahead` returns by how much this host's clock is ahead of the database's; negative if it is behind."""
    global _seconds_ahead
    _seconds_ahead = seconds_ahead


def now() -> datetime:
    return timezone.now() - timedelta(seconds=_seconds_ahead())
