"""Checks that a DPoP proof is new to all worker processes (RFC 9449 §11.1), with the function OAUTH["REPLAY_CHECK"].

A resource server without a database stores the digests in Django's shared cache, whose `add` is atomic.
"""

import hashlib
import inspect
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache

from oauth.infrastructure.caches import TTLCache

_used: TTLCache[bytes, object] = TTLCache(max_entries=100_000)

#: (digest, lifetime) -> whether the digest is new. The function must store the digest for the lifetime. If it has a
#: parameter `expires_at`, it also gets the time after which the proof is refused, which is computed from the proof's
#: claims and so is the same for a replayed proof.
ReplayCheck = Callable[..., bool]


def is_first_use(*what: str, lifetime: timedelta, expires_at: datetime, check: ReplayCheck) -> bool:
    """Raises the exception of `check` if the store is unavailable (fail closed)."""
    digest = hashlib.sha256("\n".join(what).encode()).digest()
    if _takes_expiry(check):
        return check(digest, lifetime, expires_at=expires_at)
    return check(digest, lifetime)


@lru_cache(maxsize=16)
def _takes_expiry(check: ReplayCheck) -> bool:
    return "expires_at" in inspect.signature(check).parameters


def in_process(digest: bytes, lifetime: timedelta) -> bool:
    """Stores digests in the memory of this process, so use it only for an API that runs in one process."""
    mine = object()  # of several threads, only one finds its own value
    return _used.get_or_put(digest, lambda: mine, lifetime.total_seconds()) is mine


def in_cache(digest: bytes, lifetime: timedelta) -> bool:
    """Stores digests in Django's cache, which all processes must share."""
    from django.core.cache import cache

    return bool(cache.add(f"oauth.used.{digest.hex()}", 1, lifetime.total_seconds()))
