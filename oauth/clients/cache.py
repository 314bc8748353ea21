"""Clients by their client_id, kept for CLIENT_CACHE_LIFETIME: most requests of a client need no query to know it.

What is kept is only ever believed where it says yes (see `authenticate.verify`), so a new secret counts at once and a
disabled client stops within seconds; in the process that changed it, at once.
"""

import threading
import time
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver

from oauth.conf import conf
from oauth.models import Client
from oauth.models.client import clients_updated

_MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class _Kept:
    client: Client
    until: float  # of time.monotonic()


_kept: dict[str, _Kept] = {}
_lock = threading.Lock()


def kept(client_id: str) -> Client | None:
    """The client as it was a few seconds ago at most. Shared by all threads: nobody changes it."""
    found = _kept.get(client_id)
    return found.client if found is not None and found.until > time.monotonic() else None


def read(client_id: str) -> Client | None:
    """The client as it is now, and from now on kept."""
    until = time.monotonic() + conf.CLIENT_CACHE_LIFETIME.total_seconds()
    client = Client.read(client_id)
    if client is not None and client.is_active:
        with _lock:
            if len(_kept) >= _MOST_KEPT:
                _kept.clear()
            _kept[client_id] = _Kept(client, until)
    return client


def is_known(client_id: str) -> bool:
    """Whether there is such a client, without a query: asked after it was looked for."""
    return kept(client_id) is not None


def forget() -> None:
    """All are read anew at next use."""
    _kept.clear()


@receiver([post_save, post_delete, clients_updated], sender=Client)
@receiver(m2m_changed, sender=Client.exchange_from.through)
def _forget(**_: Any) -> None:
    # Once more after the commit: until then other threads read what stood there before.
    forget()
    transaction.on_commit(forget)
