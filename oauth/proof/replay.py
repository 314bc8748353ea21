"""Whether a proof is used for the first time, in any worker process (RFC 9449 §11.1): OAUTH["REPLAY_CHECK"].

A resource server without a database stores the digests in Django's shared cache, whose `add` is atomic.
"""

import hashlib
import inspect
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache

from oauth.infrastructure.caches import TTLCache

_used: TTLCache[bytes, object] = TTLCache(max_entries=100_000)

#: (digest, lifetime) -> whether the digest is new; it is remembered for the lifetime. A function with a parameter
#: `expires_at` also gets the time after which the proof is refused. It follows from the proof's own claims, so it is
#: the same each time the proof arrives.
ReplayCheck = Callable[..., bool]


def is_first_use(*what: str, lifetime: timedelta, expires_at: datetime, check: ReplayCheck) -> bool:
    """Fails closed: if the store is down, its error is raised."""
    digest = hashlib.sha256("\n".join(what).encode()).digest()
    if _takes_expiry(check):
        return check(digest, lifetime, expires_at=expires_at)
    return check(digest, lifetime)


@lru_cache(maxsize=16)
def _takes_expiry(check: ReplayCheck) -> bool:
    return "expires_at" in inspect.signature(check).parameters


def in_process(digest: bytes, lifetime: timedelta) -> bool:
    """Remembers proofs in the memory of this process, so it is only for an API that runs in one process."""
    mine = object()  # if several threads check at the same time, only one finds its own value
    return _used.get_or_put(digest, lambda: mine, lifetime.total_seconds()) is mine


def in_cache(digest: bytes, lifetime: timedelta) -> bool:
    """Remembers proofs in Django's cache, which all processes must share."""
    from django.core.cache import cache

    return bool(cache.add(f"oauth.used.{digest.hex()}", 1, lifetime.total_seconds()))
