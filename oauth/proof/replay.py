"""Whether a proof is used for the first time, at any worker (RFC 9449 §11.1): OAUTH["REPLAY_CHECK"].

A resource server without a database stores the digests in Django's shared cache, whose `add` is atomic.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta

from oauth.infrastructure.caches import TTLCache

_used: TTLCache[bytes, object] = TTLCache(max_entries=100_000)

#: (digest, lifetime) -> whether the digest is new; it is remembered for the lifetime.
ReplayCheck = Callable[[bytes, timedelta], bool]


def is_first_use(*what: str, lifetime: timedelta, check: ReplayCheck) -> bool:
    """Fails closed: if the store is down, its error is raised."""
    return check(hashlib.sha256("\n".join(what).encode()).digest(), lifetime)


def in_process(digest: bytes, lifetime: timedelta) -> bool:
    """In the memory of this process: only for an API that runs in one process."""
    mine = object()  # of the threads that ask at the same time, one finds its own
    return _used.get_or_put(digest, lambda: mine, lifetime.total_seconds()) is mine


def in_cache(digest: bytes, lifetime: timedelta) -> bool:
    """In Django's cache, which all processes must share."""
    from django.core.cache import cache

    return bool(cache.add(f"oauth.used.{digest.hex()}", 1, lifetime.total_seconds()))
