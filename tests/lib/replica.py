"""A site that reads from a replica, which is the tests' database under a second alias."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import DEFAULT_DB_ALIAS, connections

from config.database.replica import ALIAS
from config.database.replica.age import Age
from config.database.replica.reading import ReplicaReading
from oauth.infrastructure import replica

#: A position in the write-ahead log, in the middle of a page.
HERE = 100 * 8192 + 1000


@contextmanager
def reading_from_a_replica() -> Iterator[Age]:
    """Context manager: inside it, a replica is new enough and has replayed the log up to HERE. It sees only committed
    rows, so the test needs `transaction=True`.
    """
    age = Age()
    age.look(at=time.monotonic() + 600, timeline="1", written=HERE, replayed=HERE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(connections.settings, ALIAS, {**connections.settings[DEFAULT_DB_ALIAS]})
        patch.setattr(replica, "_reading", ReplicaReading(age))
        # Not by `ensure_connection`, which Django forbids for a database that the test did not have when it began.
        connections[ALIAS].connect()
        try:
            yield age
        finally:
            connections[ALIAS].close()
            connections[ALIAS].close_pool()  # type: ignore[attr-defined]  # of Django's PostgreSQL backend
            del connections[ALIAS]
