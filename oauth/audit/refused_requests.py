"""Stores refused requests, so that staff can find an error ID that is not in the audit log.

A request only appends to a list in memory; one INSERT stores the list later. Each network and each process has a budget
per minute, so that a flood fills neither memory nor the table. Requests above the budget are only in the log.
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

#: Budgets per minute of one network (IPv4 /24, IPv6 /48) and of one worker process.
MOST_OF_NETWORK = 30
MOST = 240
#: How many requests are kept in memory while the database is unavailable.
MOST_PENDING = 500
LONGEST_REASON = 500

# Path segments that cannot be tokens: tokens in links of emails are longer.
_SHORT = re.compile(r"[\w.~-]{1,19}|[0-9a-fA-F-]{36}")

#: How often a process stores the requests. Zero means only when the process stops.
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
    """`client` may be any text sent as client_id."""
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
    """The path with every segment replaced that may be a token: one that is not a word of the route, not short, and not
    a UUID.
    """
    words = request.resolver_match.route.split("/") if request.resolver_match else ()
    parts = _printable(request.path_info).split("/")[:12]
    return "/".join(part if not part or part in words or _SHORT.fullmatch(part) else "…" for part in parts)


def store() -> int:
    """Writes the list and returns the number of rows. If the database is unavailable, keeps up to MOST_PENDING in
    memory and raises.
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
    """Replaces control characters: PostgreSQL cannot store NUL, and a line break would begin a new log line."""
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
    forget=forget,
    is_pending=lambda: bool(_pending),
    seconds=lambda: interval.values.total_seconds(),
)
caches.register(forget)
