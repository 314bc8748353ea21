"""The refusals of the last hour, grouped by reason, for the admin's home page."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.utils import timezone

from oauth.admin.panels import CACHED_SECONDS
from oauth.models import AuditEvent, Client
from oauth.models.audit_event import first_id_at

PERIOD = timedelta(hours=1)
#: Only this many of the newest events are read.
MOST_READ = 1_000
MOST_SHOWN = 8
_CACHED = "config.bank.recent_failures"


@dataclass(frozen=True, slots=True)
class Failure:
    """Refusals of one client for one reason. `error_id` is the error ID of the newest one."""

    error: str
    reason: str
    client: str
    client_name: str
    client_pk: int | None
    count: int
    last_at: datetime
    error_id: str


def recent_failures() -> list[Failure]:
    """The most frequent first, cached for CACHED_SECONDS, so that many viewers cause only one query."""
    known: list[Failure] | None = cache.get(_CACHED)
    if known is None:
        known = list(_found())
        cache.set(_CACHED, known, CACHED_SECONDS)
    return known


def _found() -> Iterator[Failure]:
    """Two queries."""
    since = first_id_at(timezone.now() - PERIOD)
    events = list(
        AuditEvent.objects.filter(action=AuditEvent.Action.REFUSED, id__gte=since).order_by("-id")[:MOST_READ]
    )
    counts = Counter(_key(event) for event in events)
    newest = {_key(event): event for event in reversed(events)}
    shown = counts.most_common(MOST_SHOWN)
    ids = {client for (_error, _reason, client), _count in shown if client}
    clients = {one.client_id: one for one in Client.objects.filter(client_id__in=ids)} if ids else {}
    for (error, reason, client), count in shown:
        known, last = clients.get(client), newest[error, reason, client]
        name, pk = (known.name, known.pk) if known else (client, None)
        yield Failure(error, reason, client, name, pk, count, last.at, last.error_id)


def _key(event: AuditEvent) -> tuple[str, str, str]:
    return event.error, event.reason, event.client
