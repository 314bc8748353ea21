"""Rate limits (OWASP API4, ASVS 5.0 2.4.1), which count requests per client, IP address or both in fixed windows.

A process counts in memory and adds its count to the shared cache in steps of a twentieth of the limit, so that most
requests do not access the cache. All processes together can exceed a limit by a few steps. If the cache is unreachable,
each process counts alone, so a limit is multiplied by the number of processes.

A stranger must not use up the limit of a client, so requests of unauthenticated clients are counted per client and IP
address.
"""

import hashlib
import ipaddress
import sys
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.core.cache import cache
from django.db import Error as DatabaseError
from django.http import HttpRequest

from oauth.infrastructure.caches import TTLCache
from oauth.infrastructure.provided import Provided

_STEPS = 20
#: OAUTH["THROTTLE_SCALE"], which multiplies every limit.
scale: Provided[float] = Provided(1.0)


class LimitReached(Exception):
    """Callers turn this into an OAuth error, a problem document or a page, with Retry-After."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"Try again in {retry_after_seconds} seconds.")
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` requests in `seconds`. `scale` multiplies the count."""

    name: str
    count: int
    seconds: int = 60

    @property
    def most(self) -> int:
        return max(1, round(self.count * scale.values))


# Pages that write, per user or, without a login, per IP address.
PAGES = Limit("pages", 300)


@dataclass(slots=True)
class _Count:
    """`shared` is the last known count of all processes. `pending` has not been added to the shared cache yet."""

    ends_at: float
    shared: int = 0
    pending: int = 0


# With the wall clock, so that the windows of all processes begin at the same time.
counts: TTLCache[tuple[str, str], _Count] = TTLCache(max_entries=20_000, clock=time.time)
_lock = threading.Lock()


def spend(limit: Limit, *key: str) -> None:
    """Counts a request. Raises LimitReached if it is above the limit."""
    count, put = _add(limit, key)
    if put:
        _share(limit, key, count, put)
    if count.shared + count.pending > limit.most:
        raise LimitReached(seconds_left(limit))


def is_within(limit: Limit, *key: str) -> bool:
    """Counts a request and returns whether it is within the limit."""
    try:
        spend(limit, *key)
    except LimitReached:
        return False
    return True


def spend_page(endpoint: str, request: HttpRequest) -> None:
    """Counts a request for a page that writes. Raises LimitReached."""
    spend(PAGES, endpoint, _visitor(request))


def take_back_page(endpoint: str, request: HttpRequest) -> None:
    """Undoes `spend_page`, because the request will be counted again."""
    take_back(PAGES, endpoint, _visitor(request))


def _visitor(request: HttpRequest) -> str:
    user = getattr(request, "user", None)
    return f"user {user.pk}" if user and user.is_authenticated else address_of(request)


def take_back(limit: Limit, *key: str) -> None:
    """Undoes `spend` for a request that this process has counted."""
    with _lock:
        count = counts.get((limit.name, "\n".join(key)))
        if count is not None:
            count.pending -= 1


def check(limit: Limit, *key: str) -> None:
    """Raises LimitReached if the limit is reached by the counts of this process. Counts nothing."""
    count = counts.get((limit.name, "\n".join(key)))
    if count is not None and count.shared + count.pending >= limit.most:
        raise LimitReached(seconds_left(limit))


def remaining(limit: Limit, *key: str) -> int:
    """How many more requests this process would allow in the window."""
    count = counts.get((limit.name, "\n".join(key)))
    used = count.shared + count.pending if count is not None else 0
    return max(0, limit.most - used)


def seconds_left(limit: Limit) -> int:
    """How many seconds the window still lasts."""
    return limit.seconds - int(time.time()) % limit.seconds


def address_of(request: HttpRequest) -> str:
    """The client's IP address; for IPv6 its /64 network, which belongs to one subscriber (RFC 6177)."""
    return _subscriber(request.META.get("REMOTE_ADDR", ""))


def network_of(request: HttpRequest) -> str:
    """The client's network: an IPv4 /24 or an IPv6 /48, all of which an attacker may control."""
    try:
        address = _address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return "none"
    bits = 24 if isinstance(address, ipaddress.IPv4Address) else 48
    return str(ipaddress.ip_network((address, bits), strict=False))


@lru_cache(maxsize=4096)
def _subscriber(written: str) -> str:
    try:
        address = _address(written)
    except ValueError:
        return "none"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False).network_address)
    return str(address)


def _address(written: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Raises ValueError. Many servers report the IPv4 address of a client of a dual-stack socket as ::ffff:192.0.2.1
    (RFC 4291 §2.5.5.2). Read as IPv6, all of them would be in one network and share its limits.
    """
    address = ipaddress.ip_address(written)
    return getattr(address, "ipv4_mapped", None) or address


def _add(limit: Limit, key: tuple[str, ...]) -> tuple[_Count, int]:
    """Counts a request. Returns the count of the window, and how much of it to add to the shared cache now."""
    now = time.time()
    where = (limit.name, "\n".join(key))
    with _lock:
        count = counts.get(where)
        if count is None:
            count = _Count(ends_at=(now // limit.seconds + 1) * limit.seconds)
            # If `counts` is full, this drops the oldest count; its part in the shared cache is kept.
            counts.put(where, count, count.ends_at - now)
        count.pending += 1
        put = count.pending if count.pending >= max(1, limit.most // _STEPS) else 0
        count.pending -= put
        count.shared += put
        return count, put


def _share(limit: Limit, key: tuple[str, ...], count: _Count, put: int) -> None:
    name = f"oauth.limit.{limit.name}.{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.{int(count.ends_at)}"
    try:
        if not cache.add(name, put, 2 * limit.seconds):
            count.shared = max(count.shared, int(cache.incr(name, put)))
    except _failures():
        return  # count alone; ValueError means that the entry has expired since `add`


def _failures() -> tuple[type[Exception], ...]:
    """The errors of a cache that fails. redis-py is imported only if the site uses it, because the import takes 7 % of
    the time in which a process starts.
    """
    exceptions: Any = sys.modules.get("redis.exceptions")
    return (OSError, DatabaseError, ValueError, *((exceptions.RedisError,) if exceptions else ()))
