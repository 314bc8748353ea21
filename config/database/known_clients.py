"""Keeps the signing keys and the clients in use in memory. While the database is unreachable, these clients get tokens
with the grant type client_credentials, and everybody gets the JWK Set, even from a process that had no such request
before.

It runs in one thread in each process of `serve`, apart from the watch, which must never wait for a statement. The
processes of one server tell each other which clients they serve. A proxy often sends all requests of a client to one
process, and another process gets them when the first one is gone or busy.
"""

import json
import logging
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from django.db import Error, close_old_connections

from config.database.breaker import breaker
from oauth import keys
from oauth.clients import cache
from oauth.conf import conf
from oauth.infrastructure import outage

FILE = "clients-in-use.json"
#: After a failure, the clients must be read again before they are no longer fresh.
_SECONDS_AFTER_A_FAILURE = 0.1
logger = logging.getLogger(__name__)


def start(directory: Path) -> None:
    """Call it once in a process. The processes of the server share the directory."""
    seconds = conf.CLIENT_CACHE_LIFETIME.total_seconds() / 2
    if seconds and conf.OUTAGE_TOLERANCE:
        threading.Thread(target=_run, args=[directory / FILE, seconds], name="known-clients", daemon=True).start()


def _run(file: Path, seconds: float) -> None:
    while True:
        has_read = not breaker.is_open and read(file)
        time.sleep(seconds if has_read else _SECONDS_AFTER_A_FAILURE)


def read(file: Path) -> bool:
    """Whether the clients in use could be read again."""
    try:
        share(file)
        keys.is_ready()  # reads the keys if they are older than a few seconds
        cache.reload()
    except (Error, *outage.OF_PSYCOPG) as error:
        logger.info("The clients in use could not be read again: %s", type(error).__name__)
        return False
    finally:
        close_old_connections()
    return True


def share(file: Path) -> None:
    """Learns which clients the other processes of this server serve, and tells them its own.

    Two processes may write at the same time. A process whose line was lost writes it again the next time.
    """
    with suppress(OSError, ValueError):  # incomplete, because the disk was full
        cache.also_used(_read(file))
    used = cache.used()
    with suppress(OSError):  # a full disk, or the server has stopped
        new = file.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(used))
        new.replace(file)


def _read(file: Path) -> dict[str, float]:
    """Times are of time.monotonic(), which all processes of a host share."""
    if not file.exists():
        return {}
    found: dict[str, float] = json.loads(file.read_text())
    return found
