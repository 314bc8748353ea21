"""The last refusals that an app got from an API of this site, for its developer: in the shared cache for a day.

An API refuses far more often than the audit log should hold. Two requests at the same time may lose a line.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.db import Error as DatabaseError
from django.utils import timezone

from oauth.infrastructure import rate_limits
from oauth.infrastructure.rate_limits import Limit
from oauth.models.secret import digest

try:
    from redis.exceptions import RedisError
except ModuleNotFoundError:  # the cache is another one

    class RedisError(Exception):  # type: ignore[no-redef]  # without redis
        """Never raised."""


MOST = 100
KEPT_SECONDS = 86_400
#: Beyond it, refusals are not kept: each costs a read and a write of the cache.
KEPT = Limit("refused-calls", 30)


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """`call` is the method and the route, with the names of its parts instead of their values."""

    at: datetime
    call: str
    code: str
    error_id: str


def add(client_id: str, *, call: str, code: str, error_id: str) -> None:
    """For a caller whose token was verified, so that nobody else fills the list. Never fails."""
    if not rate_limits.is_within(KEPT, client_id):
        return
    with suppress(OSError, DatabaseError, RedisError):
        lines = [RefusedCall(timezone.now(), call, code, error_id), *recent(client_id)]
        cache.set(_key(client_id), lines[:MOST], KEPT_SECONDS)


def recent(client_id: str) -> Sequence[RefusedCall]:
    """The newest first."""
    found: Sequence[RefusedCall] = cache.get(_key(client_id)) or ()
    return found


def _key(client_id: str) -> str:
    return f"oauth.refused-calls.{digest(client_id).hex()}"
