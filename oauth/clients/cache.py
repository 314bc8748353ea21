"""Clients by client_id, cached for CLIENT_CACHE_LIFETIME, so that most requests need no query to know their client.

A cached client can only accept a request. Before a refusal, the client is read again (see `authenticate.verify`). So a
new secret is accepted immediately. A disabled client stops within seconds, and immediately in the process that disabled
it.
"""

from typing import Any

from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver

from oauth.conf import conf
from oauth.infrastructure.caches import TTLCache
from oauth.models import Client
from oauth.models.client import clients_updated

clients: TTLCache[str, Client] = TTLCache(max_entries=10_000)


def cached(client_id: str) -> Client | None:
    """The client as it was at most a few seconds ago. All threads share the instance, so nobody may change it."""
    return clients.get(client_id)


def load(client_id: str) -> Client | None:
    """The client as it is now; it is cached from now on."""
    client = Client.by_client_id(client_id)
    if client is not None and client.is_active:
        clients.put(client_id, client, conf.CLIENT_CACHE_LIFETIME.total_seconds())
    return client


def is_known(client_id: str) -> bool:
    """Whether there is such a client. It makes no query, so `load` must have come before."""
    return cached(client_id) is not None


@receiver([post_save, post_delete, clients_updated], sender=Client)
@receiver(m2m_changed, sender=Client.exchange_from.through)
def _forget(**_: Any) -> None:
    # Once more after the commit: until then, other threads read the old row.
    clients.clear()
    transaction.on_commit(clients.clear)
