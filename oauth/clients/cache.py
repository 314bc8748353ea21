"""Clients by client_id, cached for CLIENT_CACHE_LIFETIME, so that most requests need no query to know their client.

A cached client is used only to accept a request. Before a refusal, the client is read again (`authentication.verify`).
So a new secret is accepted immediately. A disabled client stops within seconds, and immediately in the process that
disabled it.

While the database is unreachable, a client that was cached when the database last answered may continue for
OAUTH["OUTAGE_TOLERANCE"]. `reload` reads the clients in use again, and `read_new` reads those that have come into use
since, so every client of the last minutes is cached.
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
#: When a client was last asked for, of time.monotonic().
_used: dict[str, float] = {}
register(_used.clear)
#: When `reload` last succeeded, of time.monotonic(); empty before.
_reloaded: deque[float] = deque(maxlen=1)
register(_reloaded.clear)
#: Set when `read_new` may find something to read, or another process something to learn.
news = threading.Event()
register(news.clear)
#: For how many seconds after its last request `reload` reads a client again, and how many clients it reads at most.
USED_SECONDS = 600.0
MOST_RELOADED = 200
MOST_USED = 10_000
#: How often this process has changed a client.
_changes = 0


def cached(client_id: str) -> Client | None:
    """The client as it was at most a few seconds ago. All threads share the instance, so nobody may change it."""
    client = clients.get(client_id)
    if client is not None:
        _used[client_id] = time.monotonic()
    return client


def cached_in_outage(client_id: str) -> Client | None:
    """The client as it was when the database last answered; None if it was not cached then, or that is too long ago."""
    # The watch of the database has its own connection, so it may get answers while requests hold all others and
    # `reload` fails.
    since = outage.tolerated_since(*_reloaded)
    return None if since is None else clients.kept(client_id, at=since)


def used() -> dict[str, float]:
    """The clients that `reload` reads, and when each was last asked for, of time.monotonic()."""
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
    """Reads the clients of the last minutes again, in one query. Call it more often than CLIENT_CACHE_LIFETIME."""
    newest, now = used(), time.monotonic()
    if conf.CLIENT_CACHE_LIFETIME:
        _read(list(newest))
    _reloaded.append(now)


def read_new() -> None:
    """Reads the clients of the last minutes that are not cached, in one query: another process has begun to serve them,
    or this process has changed a client.
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
    """The client as it is now; it is cached from now on."""
    began = _changes
    client = Client.by_client_id(client_id)
    if client is not None and client.is_active:
        _put(client, read_at=began)
        if len(_used) >= MOST_USED:
            _used.clear()
        _has_come(client_id, time.monotonic())
    return client


def _has_come(client_id: str, at: float) -> None:
    """Records a request of the client. It is news if there was none in the last minutes."""
    is_new = client_id not in _used
    _used[client_id] = at
    if is_new:
        news.set()


def _put(client: Client, *, read_at: int) -> None:
    """Caches a client, unless this process has changed a client meanwhile: then the row may be older than the
    change.
    """
    if read_at == _changes:
        clients.put(client.client_id, client, conf.CLIENT_CACHE_LIFETIME.total_seconds())


def is_known(client_id: str) -> bool:
    """Whether there is such a client. It makes no query, so `load` must be called before."""
    return cached(client_id) is not None


@receiver([post_save, post_delete, clients_updated], sender=Client)
@receiver(m2m_changed, sender=Client.exchange_from.through)
def _forget(**_: Any) -> None:
    # Cleared again after the commit, because until then other threads read the old row.
    _forget_all()
    transaction.on_commit(_forget_all)


def _forget_all() -> None:
    global _changes
    _changes += 1
    clients.clear()
    news.set()
