"""How often the cache that all processes share fails. Every process has these metrics from the start, but imports
config/shared_cache.py only if a Valkey or Redis is the cache.
"""

from prometheus_client import Counter, Gauge

fell_back = Counter("cache_fallbacks_total", "Cache operations in the memory of one process, because the cache failed.")
is_away = Gauge(
    "cache_away",
    "Processes that count rate limits on their own, because the cache is unreachable.",
    multiprocess_mode="livesum",
)
