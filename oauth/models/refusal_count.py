"""Counts of refused requests of strangers, which are not in the audit log because anybody can cause them."""

import threading
import time
from datetime import timedelta

from django.db import connection, models
from django.utils import timezone

from oauth.infrastructure import caches

# The first refusal writes a row; after that, each 20 refusals or 10 seconds.
_TOGETHER = 20
_SECONDS = 10
_MOST_KEPT = 1000

_pending: dict[tuple[str, str, str], tuple[int, float]] = {}
_lock = threading.Lock()

_ADD = """
INSERT INTO oauth_refusalcount (hour, endpoint, error, network, count, last_at) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (hour, endpoint, error, network)
DO UPDATE SET count = oauth_refusalcount.count + excluded.count, last_at = excluded.last_at"""


class RefusalCount(models.Model):
    """The number of refusals of one kind from one network in one hour; slightly too low if a process was stopped."""

    hour = models.DateTimeField()
    endpoint = models.CharField(max_length=40)
    error = models.CharField(max_length=60, help_text="OAuth error code.")
    network = models.CharField(
        max_length=43, help_text="The network that the requests came from: an IPv4 /24 or an IPv6 /48."
    )
    count = models.PositiveBigIntegerField()
    last_at = models.DateTimeField()

    class Meta:
        ordering = ["-hour", "-count"]
        constraints = [
            models.UniqueConstraint(fields=["hour", "endpoint", "error", "network"], name="refusal_count_once")
        ]

    def __str__(self) -> str:
        return f"{self.count} x {self.error} at {self.endpoint} from {self.network}"

    @classmethod
    def add(cls, endpoint: str, error: str, network: str) -> None:
        """Counts a refusal, usually only in memory."""
        key, now = (endpoint, error, network), time.monotonic()
        with _lock:
            waiting, since = _pending.get(key, (0, 0.0))
            waiting += 1
            is_due = since == 0.0 or waiting >= _TOGETHER or now - since >= _SECONDS
            if len(_pending) >= _MOST_KEPT:
                _pending.clear()
            _pending[key] = (0, now) if is_due else (waiting, since)
        if is_due:
            at = timezone.now()
            values = (at.replace(minute=0, second=0, microsecond=0), *key, waiting, at)
            with connection.cursor() as cursor:
                cursor.execute(_ADD, values)


caches.register(_pending.clear)
LIFETIME = timedelta(days=90)
