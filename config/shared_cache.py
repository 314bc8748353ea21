"""Uses Valkey or Redis as the cache that all worker processes share and, while it cannot be reached or refuses writes,
the memory of each process.

All data in this cache may be lost: it has only counts of rate limits, and copies. Data that must be used only once
(codes, proofs, assertions, one-time passwords, idempotency keys) is in PostgreSQL. So logins work without the cache.
Each process then counts limits alone, so more requests are accepted.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from config.metrics.shared_cache import fell_back, is_away

#: The timeout to connect, and for an answer. A request makes a few operations one after another.
SOCKET_SECONDS = 0.25
#: The time from a failure until the cache is used again. Until then, no request waits for the cache.
SECONDS_AWAY = 1.0
_MOST_ENTRIES = 100_000

logger = logging.getLogger(__name__)

_away_until = float("-inf")  # a value of time.monotonic()
# Whether the cache has refused an operation. Then it is used again only after it has accepted a write, because a full
# cache and a read-only replica answer reads, but without the counts that this process keeps in its memory.
_has_refused = False


def options() -> dict[str, Any]:
    """Options of redis-py's connections. Retries once, at once, if a connection was closed since it was last used."""
    return {
        "socket_timeout": SOCKET_SECONDS,
        "socket_connect_timeout": SOCKET_SECONDS,
        "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    }


_set = RedisCache.set


def _or_in_memory(name: str) -> Callable[..., Any]:
    operation = getattr(RedisCache, name)

    def either(self: "SharedCache", *args: Any, **kwargs: Any) -> Any:
        global _away_until, _has_refused
        if time.monotonic() >= _away_until:
            try:
                if _has_refused:
                    _set(self, "trial", 1, timeout=1)
                    _has_refused = False
                result = operation(self, *args, **kwargs)
            except RedisError as error:
                logger.warning("The cache failed; limits are counted in this process: %s", type(error).__name__)
                _away_until = time.monotonic() + SECONDS_AWAY
                _has_refused = _has_refused or isinstance(error, ResponseError)
                is_away.set(1)
            else:
                is_away.set(0)
                return result
        fell_back.inc()
        return getattr(self.memory, name)(*args, **kwargs)

    return either


class _Memory(LocMemCache):
    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """If the count began in the shared cache, it is missing here."""
        self.add(key, 0, version=version)
        return super().incr(key, delta, version)


class SharedCache(RedisCache):
    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, {**params, "OPTIONS": {**options(), **params.get("OPTIONS", {})}})
        # Shared by all threads of the process, because Django makes a SharedCache for each.
        self.memory = _Memory("while the shared cache is unreachable", {"OPTIONS": {"MAX_ENTRIES": _MOST_ENTRIES}})

    @property
    def is_away(self) -> bool:
        """Whether this process uses its own memory, because the cache failed a moment ago."""
        return time.monotonic() < _away_until

    add = _or_in_memory("add")
    get = _or_in_memory("get")
    set = _or_in_memory("set")
    touch = _or_in_memory("touch")
    delete = _or_in_memory("delete")
    get_many = _or_in_memory("get_many")
    has_key = _or_in_memory("has_key")
    incr = _or_in_memory("incr")
    set_many = _or_in_memory("set_many")
    delete_many = _or_in_memory("delete_many")
    clear = _or_in_memory("clear")
