"""The clock of the database, which is the same for all hosts.

A time that one host stores and another one compares within minutes is taken from here: otherwise a host whose
clock is wrong would treat a retry as a theft. The site provides the difference (`config/database`); without it, the
host's own clock is used. Tokens carry the time of the host, because other servers verify them.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone


def _right() -> float:
    return 0.0


_seconds_ahead: Callable[[], float] = _right


def measured_by(seconds_ahead: Callable[[], float]) -> None:
    """`seconds_ahead` returns how much the clock of this host is ahead of the database's; negative if it is behind."""
    global _seconds_ahead
    _seconds_ahead = seconds_ahead


def now() -> datetime:
    return timezone.now() - timedelta(seconds=_seconds_ahead())
