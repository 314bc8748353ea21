"""Keeps the clients in use in memory, so that they can get tokens by client_credentials while the database is away.

One thread in each process of `serve`, beside the watch, which must never wait for a statement.
"""

import logging
import threading
import time

from django.db import Error, close_old_connections

from config.database.breaker import breaker
from oauth.clients import cache
from oauth.conf import conf
from oauth.infrastructure import outage

logger = logging.getLogger(__name__)


def start() -> None:
    """Call it once in a process."""
    seconds = conf.CLIENT_CACHE_LIFETIME.total_seconds() / 2
    if seconds and conf.OUTAGE_TOLERANCE:
        threading.Thread(target=_run, args=[seconds], name="known-clients", daemon=True).start()


def _run(seconds: float) -> None:
    while True:
        time.sleep(seconds)
        if breaker.is_open:
            continue
        try:
            cache.reload()
        except (Error, *outage.OF_PSYCOPG) as error:
            logger.info("The clients in use could not be read again: %s", type(error).__name__)
        finally:
            close_old_connections()
