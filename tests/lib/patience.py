"""Longer time limits for the database connections of a test process.

The site's own limits are a few seconds, because users wait. A test process that shares a core with ten others may pause
for longer than that inside a transaction. A test of a limit sets its own (`database.limited`).
"""

from typing import Any

from django.db import connection

_OF_TESTS = "-c statement_timeout=60s -c lock_timeout=60s -c idle_in_transaction_session_timeout=200s"
_POOL_SECONDS = 60.0


class Patience:
    """Between `begin` and `end`, while the test database is created or dropped, connections have no limits at all."""

    def __init__(self) -> None:
        self._options: dict[str, Any] = connection.settings_dict["OPTIONS"]
        self.limits_of_the_site: str = self._options["options"]
        self._options["pool"]["timeout"] = _POOL_SECONDS

    def begin(self) -> None:
        self._use("")

    def end(self) -> None:
        self._use(_OF_TESTS)

    def _use(self, limits: str) -> None:
        self._options["options"] = limits
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # of Django's PostgreSQL backend
