"""Caches clients by client_id for CLIENT_CACHE_LIFETIME, so that most requests need no query for their client.

A cached client is used only to accept a request. Before a refusal, `authentication.verify` reads the client again, so a
new secret works immediately. A disabled client is refused within CLIENT_CACHE_LIFETIME, and immediately in the process
that disabled it.

While the database is unreachable, clients that were cached when it was last reachable can be used for
OAUTH["OUTAGE_TOLERANCE"]. `reload` and `read_new` keep every client of the last USED_SECONDS cached.
"""

import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver

from oauth.conf import conf
from oauth.infrastructure import outage
from oauth.infrastructure.caches import TTLCache, register
from oauth.models import Client
from oauth.models.client import clients_updated

clients: TTLCache[str, Client] = TTLCache(max_entries=10_000, name="clients")
#: When a client was last requested (time.monotonic()).
_used: dict[str, float] = {}
register(_used.clear)
#: When `reload` last succeeded (time.monotonic()); empty if never.
_reloaded: deque[float] = deque(maxlen=1)
register(_reloaded.clear)
#: Set when `read_new` should run, or when a client that has come into use should be reported to other processes.
news = threading.Event()
register(news.clear)
#: `reload` reads at most MOST_RELOADED clients, which were used within this time.
USED_SECONDS = 600.0
MOST_RELOADED = 200
MOST_USED = 10_000
#: How many times this process has changed a client.
_changes = 0


def cached(client_id: str) -> Client | None:
    """The client as it was at most CLIENT_CACHE_LIFETIME ago. All threads share the instance, so callers must not
    change it.
    """
    client = clients.get(client_id)
    if client is not None:
        _used[client_id] = time.monotonic()
    return client


def cached_in_outage(client_id: str) -> Client | None:
    """The client as it was when the database was last reachable; None if it was not cached then, or if the outage has
    lasted longer than OUTAGE_TOLERANCE.
    """
    # The thread that watches the database has its own connection, so it may succeed while requests use all others and
    # `reload` fails.
    since = outage.tolerated_since(*_reloaded)
    return None if since is None else clients.kept(client_id, at=since)


def used() -> dict[str, float]:
    """The clients that `reload` reads, with the time of their last use (time.monotonic())."""
    since = time.monotonic() - USED_SECONDS
    for client_id in [name for name, at in list(_used.items()) if at < since]:
        _used.pop(client_id, None)
    return dict(sorted(_used.items(), key=lambda pair: pair[1])[-MOST_RELOADED:])


def also_used(others: Mapping[str, float]) -> None:
    """Records that another process of this host has used these clients."""
    for client_id, at in others.items():
        if at > _used.get(client_id, 0.0):
            _has_come(client_id, at)


def reload() -> None:
    """Reads the clients in use again, in one query. Call this more often than every CLIENT_CACHE_LIFETIME."""
    newest, now = used(), time.monotonic()
    if conf.CLIENT_CACHE_LIFETIME:
        _read(list(newest))
    _reloaded.append(now)


def read_new() -> None:
    """Reads the clients in use that are not cached, in one query, because another process has begun to serve them, or
    because this process has changed a client.
    """
    now = time.monotonic()
    _read([client_id for client_id in used() if clients.kept(client_id, at=now) is None])


def _read(client_ids: list[str]) -> None:
    began = _changes
    found = {client.client_id: client for client in Client.by_client_ids(client_ids)} if client_ids else {}
    for client_id in client_ids:
        client = found.get(client_id)
        if client is None or not client.is_active:
            _used.pop(client_id, None)
            clients.drop(client_id)
        else:
            _put(client, read_at=began)


def load(client_id: str) -> Client | None:
    """Reads the current client and caches it."""
    began = _changes
    client = Client.by_client_id(client_id)
    if client is not None and client.is_active:
        _put(client, read_at=began)
        if len(_used) >= MOST_USED:
            _used.clear()
        _has_come(client_id, time.monotonic())
    return client


def _has_come(client_id: str, at: float) -> None:
    """Records a use of the client. Sets `news` if the client was not in use."""
    is_new = client_id not in _used
    _used[client_id] = at
    if is_new:
        news.set()


def _put(client: Client, *, read_at: int) -> None:
    """Caches a client, unless this process has changed a client since the read: the row may be outdated then."""
    if read_at == _changes:
        clients.put(client.client_id, client, conf.CLIENT_CACHE_LIFETIME.total_seconds())


def is_known(client_id: str) -> bool:
    """Whether there is such a client. Runs no query, so call `load` first."""
    return cached(client_id) is not None


@receiver([post_save, post_delete, clients_updated], sender=Client)
@receiver(m2m_changed, sender=Client.exchange_from.through)
def _forget(**_: Any) -> None:
    # Clear again after the commit, because other threads read the old row until then.
    _forget_all()
    transaction.on_commit(_forget_all)


def _forget_all() -> None:
    global _changes
    _changes += 1
    clients.clear()
    news.set()
