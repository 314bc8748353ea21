"""In-memory caches of a worker process.

All are emptied when a test overrides OAUTH, and by `clear`, which runs between tests. `functools.lru_cache` is only for
pure functions, whose caches need not be emptied.
"""

import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any, Generic, TypeVar

try:
    from django.core.signals import setting_changed
except ModuleNotFoundError:  # without Django, no test can override its settings
    setting_changed = None  # type: ignore[assignment]  # without Django

Key = TypeVar("Key")
Value = TypeVar("Value")
Function = TypeVar("Function", bound=Callable[..., object])

_all: list[Callable[[], None]] = []
_named: "dict[str, TTLCache[Any, Any]]" = {}


def clear() -> None:
    """Empties every cache of this process."""
    for clear_one in _all:
        clear_one()


def register(clear_one: Callable[[], None]) -> None:
    """Registers a function that clears other state that must not outlive a test."""
    _all.append(clear_one)


def until_cleared(function: Function) -> Function:
    """Decorator like `functools.cache`, for a function whose result depends on OAUTH."""
    cached = cache(function)
    register(cached.cache_clear)
    return cached  # type: ignore[return-value]  # the cache has the signature of the function


def lookups() -> list[tuple[str, int, int]]:
    """For metrics: name, hits and misses of each named cache. The numbers are approximate, because threads count
    without a lock.
    """
    return [(name, cache.hits, cache.misses) for name, cache in _named.items()]


class TTLCache(Generic[Key, Value]):
    """Values by key, each with a lifetime in seconds. When the cache is full, the oldest value is dropped.

    Thread-safe; reading takes no lock. `max_entries` may be a function that reads a setting. `lookups` includes caches
    with a `name`.
    """

    def __init__(
        self, *, max_entries: int | Callable[[], int], clock: Callable[[], float] = time.monotonic, name: str = ""
    ) -> None:
        self.hits = self.misses = 0
        if name:
            _named[name] = self
        self._max_entries = max_entries if callable(max_entries) else lambda: max_entries
        self._clock = clock
        self._entries: dict[Key, tuple[Value, float]] = {}
        self._lock = threading.RLock()
        register(self.clear)

    def get(self, key: Key) -> Value | None:
        entry = self._entries.get(key)
        if entry is not None and entry[1] > self._clock():
            self.hits += 1
            return entry[0]
        self.misses += 1
        return None

    def kept(self, key: Key, *, at: float) -> Value | None:
        """The value that was valid at that time of the clock, if it has not been replaced or dropped since."""
        entry = self._entries.get(key)
        return entry[0] if entry is not None and entry[1] > at else None

    def drop(self, key: Key) -> None:
        with self._lock:
            self._entries.pop(key, None)

    def put(self, key: Key, value: Value, seconds: float) -> None:
        with self._lock:
            self._entries.pop(key, None)
            while self._entries and len(self._entries) >= self._max_entries():
                del self._entries[next(iter(self._entries))]
            self._entries[key] = (value, self._clock() + seconds)

    def get_or_put(self, key: Key, make: Callable[[], Value], seconds: float) -> Value:
        """Returns the value; makes and stores it first if there is none. Concurrent threads get the same value. Each
        use renews the value.
        """
        with self._lock:
            value = self.get(key)
            if value is None:
                value = make()
            self.put(key, value, seconds)
            return value

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)


class RefreshedCache(Generic[Key, Value]):
    """Values that are reloaded when they are stale.

    `load` gets the key and the old value or None. While one thread loads, others use the old value; they wait only if
    there is none or if `is_usable` is false for it. An exception of `load` is raised only in the loading thread.
    """

    def __init__(
        self,
        load: Callable[[Key, Value | None], Value],
        *,
        is_fresh: Callable[[Value], bool],
        is_usable: Callable[[Value], bool] = lambda value: True,
    ) -> None:
        self._load = load
        self._is_fresh = is_fresh
        self._is_usable = is_usable
        self._values: dict[Key, Value] = {}
        self._lock = threading.Lock()
        register(self.clear)

    def get(self, key: Key) -> Value:
        value = self._values.get(key)
        if value is not None and self._is_fresh(value):
            return value
        if not self._lock.acquire(blocking=value is None or not self._is_usable(value)):
            assert value is not None
            return value
        try:
            newest = self._values.get(key)
            if newest is None or not self._is_fresh(newest):
                newest = self._values[key] = self._load(key, newest)
            return newest
        finally:
            self._lock.release()

    def clear(self) -> None:
        self._values.clear()


def _clear_after_change(*, setting: str, **_: object) -> None:
    if setting == "OAUTH":
        clear()


if setting_changed is not None:
    setting_changed.connect(_clear_after_change)
