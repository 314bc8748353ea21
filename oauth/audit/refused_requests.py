"""Remembers refused requests, so that staff find every error ID that was shown.

A request adds an entry to a list in memory, never a statement; one INSERT stores the entries later. A flood fills
neither memory nor table: each network and each process has a budget for each minute, and requests above it are not
remembered. The log has a line for every request.
"""

import re
import time
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.utils import timezone

from oauth.infrastructure import caches, rate_limits
from oauth.infrastructure.provided import Provided
from oauth.infrastructure.store_later import UNAVAILABLE, StoreLater
from oauth.models import RefusedRequest

#: The budgets for a minute: for one network (IPv4 /24, IPv6 /48) and for a worker process.
MOST_OF_NETWORK = 30
MOST = 240
#: The most requests that are kept in memory while nothing can be stored.
MOST_PENDING = 500
LONGEST_REASON = 500

# Links of emails have a token in the path, which is longer.
_SHORT = re.compile(r"[\w.~-]{1,19}|[0-9a-fA-F-]{36}")

#: How often a process stores the requests. Zero means only when it stops.
interval: Provided[timedelta] = Provided(timedelta(0))


@dataclass(frozen=True, slots=True)
class Refused:
    error_id: str
    endpoint: str
    status: int
    error: str
    reason: str
    method: str
    path: str
    user: str
    client: str
    address: str | None
    at: datetime = field(default_factory=timezone.now)


_pending: list[Refused] = []
_spent: dict[str, int] = {}
_minute = 0
_LONGEST = {one.name: one.max_length for one in RefusedRequest._meta.concrete_fields if one.max_length}


def remember(
    request: HttpRequest,
    *,
    error_id: str,
    endpoint: str,
    status: int,
    error: str,
    reason: str = "",
    user: str = "",
    client: str = "",
) -> None:
    """`client` may be any text that a stranger has sent as client_id."""
    with _later.lock:
        if not _is_within_budget(rate_limits.network_of(request)):
            return
        _pending.append(
            Refused(
                error_id=error_id,
                endpoint=endpoint,
                status=status,
                error=error,
                reason=_printable(reason)[:LONGEST_REASON],
                method=_printable(request.method or ""),
                path=path_of(request),
                user=_printable(user),
                client=_printable(client),
                address=request.META.get("REMOTE_ADDR") or None,
            )
        )
        _later.plan()


def path_of(request: HttpRequest) -> str:
    """The path without the parts that may be a token: parts that are neither a word of the route, nor short, nor the ID
    of a row.
    """
    words = request.resolver_match.route.split("/") if request.resolver_match else ()
    parts = _printable(request.path_info).split("/")[:12]
    return "/".join(part if not part or part in words or _SHORT.fullmatch(part) else "…" for part in parts)


def store() -> int:
    """Writes what is remembered; returns the number of rows. Those that cannot be stored now are kept in memory, up
    to MOST_PENDING.
    """
    global _pending
    with _later.lock:
        remembered, _pending = _pending, []
    if not remembered:
        return 0
    rows = [RefusedRequest(**{name: _cut(name, value) for name, value in asdict(one).items()}) for one in remembered]
    try:
        RefusedRequest.objects.bulk_create(rows)
    except UNAVAILABLE:
        with _later.lock:
            _pending = [*remembered, *_pending][:MOST_PENDING]
        raise
    return len(rows)


def _cut(name: str, value: object) -> object:
    return value[: _LONGEST[name]] if isinstance(value, str) and name in _LONGEST else value


def _printable(text: str) -> str:
    """PostgreSQL stores no NUL, and a log line is one line."""
    return "".join(one if one.isprintable() else "�" for one in text)


def _is_within_budget(network: str) -> bool:
    global _minute
    minute = int(time.monotonic() // 60)
    if minute != _minute:
        _spent.clear()
        _minute = minute
    spent = _spent.get(network, 0)
    if spent >= MOST_OF_NETWORK or len(_pending) >= MOST_PENDING or sum(_spent.values()) >= MOST:
        return False
    _spent[network] = spent + 1
    return True


def forget() -> None:
    _pending.clear()
    _spent.clear()


_later = StoreLater(
    "The list of refused requests",
    store=store,
    is_pending=lambda: bool(_pending),
    seconds=lambda: interval.values.total_seconds(),
)
caches.register(forget)
