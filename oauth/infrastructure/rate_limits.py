"""How often somebody may ask (OWASP API4, ASVS 5.0 2.4.1): counted per client, address or both, in fixed windows.

Counted in the process first and put into the shared cache in steps of a twentieth of the limit, so that a request
costs nothing most of the time; the workers together exceed a limit by a few steps at most. Where the cache is away,
each process counts alone: the limits still hold, but a little wider.

What a stranger can spend is never what somebody else lives on: before a client has proven itself its limit is
counted together with the address.
"""

import hashlib
import ipaddress
import threading
import time
from dataclasses import dataclass
from functools import lru_cache

from django.core.cache import cache
from django.db import Error as DatabaseError
from django.http import HttpRequest
from redis.exceptions import RedisError

from oauth.conf import conf
from oauth.errors import TooManyRequests
from oauth.infrastructure.caches import TTLCache

_STEPS = 20


@dataclass(frozen=True, slots=True)
class Limit:
    """So many in so many seconds; THROTTLE_SCALE multiplies the first."""

    name: str
    count: int
    seconds: int = 60

    @property
    def most(self) -> int:
        return max(1, round(self.count * conf.THROTTLE_SCALE))


FAILURES = Limit("failures", 30)
FAILURES_OF_ADDRESS = Limit("failures-of-address", 120)
# Pages that write, of a user or, before anybody is logged in, of an address.
PAGES = Limit("pages", 300)
# Refusals that anybody can cause in the name of a client: so many are events of the audit log, the others are counted.
EVENTS_OF_STRANGERS = Limit("events-of-strangers", 30)
EVENTS_OF_STRANGERS_OF_CLIENT = Limit("events-of-strangers-of-client", 300)


@dataclass(slots=True)
class _Count:
    """`shared` is what all processes had put together when this one last looked; `pending` is not put there yet."""

    ends_at: float
    shared: int = 0
    pending: int = 0


# By the wall clock, because the windows of all processes begin at the same time.
counts: TTLCache[tuple[str, str], _Count] = TTLCache(max_entries=20_000, clock=time.time)
_lock = threading.Lock()


def spend(limit: Limit, *key: str) -> None:
    """Counts one. Raises TooManyRequests where that is one too many."""
    count, put = _add(limit, key)
    if put:
        _share(limit, key, count, put)
    if count.shared + count.pending > limit.most:
        raise _refusal(limit)


def is_within(limit: Limit, *key: str) -> bool:
    """Counts one; whether it was not one too many."""
    try:
        spend(limit, *key)
    except TooManyRequests:
        return False
    return True


def spend_page(endpoint: str, request: HttpRequest) -> None:
    """Counts a request for a page that writes. Raises TooManyRequests."""
    user = getattr(request, "user", None)
    spend(PAGES, endpoint, f"user {user.pk}" if user and user.is_authenticated else address_of(request))


def check(limit: Limit, *key: str) -> None:
    """Counts nothing. Raises TooManyRequests where this process knows that the limit is reached."""
    count = counts.get((limit.name, "\n".join(key)))
    if count is not None and count.shared + count.pending >= limit.most:
        raise _refusal(limit)


def remaining(limit: Limit, *key: str) -> int:
    """How many more this process would let through in this window."""
    count = counts.get((limit.name, "\n".join(key)))
    used = count.shared + count.pending if count is not None else 0
    return max(0, limit.most - used)


def seconds_left(limit: Limit) -> int:
    """Until the window ends."""
    return limit.seconds - int(time.time()) % limit.seconds


def address_of(request: HttpRequest) -> str:
    """The caller's address; of IPv6 the network, which one subscriber has whole (RFC 6177)."""
    return _subscriber(request.META.get("REMOTE_ADDR", ""))


def network_of(request: HttpRequest) -> str:
    """The network of the caller, for what is counted by it: so many addresses may be one attacker's."""
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return "none"
    bits = 24 if isinstance(address, ipaddress.IPv4Address) else 48
    return str(ipaddress.ip_network((address, bits), strict=False))


@lru_cache(maxsize=4096)
def _subscriber(written: str) -> str:
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return "none"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False).network_address)
    return str(address)


def _add(limit: Limit, key: tuple[str, ...]) -> tuple[_Count, int]:
    """The count of this window with one more, and how many of it are to be put into the shared cache now."""
    now = time.time()
    where = (limit.name, "\n".join(key))
    with _lock:
        count = counts.get(where)
        if count is None:
            count = _Count(ends_at=(now // limit.seconds + 1) * limit.seconds)
            # When the cache is full, another count goes; what was put into the shared cache still counts.
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
    except (OSError, DatabaseError, RedisError, ValueError):
        return  # counted here alone; ValueError: it went out of the cache in between


def _refusal(limit: Limit) -> TooManyRequests:
    wait = seconds_left(limit)
    return TooManyRequests(f"Too many requests. Try again in {wait} seconds.", retry_after_seconds=wait)
