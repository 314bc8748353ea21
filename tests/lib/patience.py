"""The test database is made and dropped without the site's timeouts: on a busy machine, each takes longer than 5 seconds."""

from django.db import connection


class Patience:
    """Between `begin` and `end`, new connections to the database have no timeouts."""

    def __init__(self) -> None:
        self._options: dict[str, str] = connection.settings_dict["OPTIONS"]
        self._of_the_site = self._options["options"]

    def begin(self) -> None:
        self._use("")

    def end(self) -> None:
        self._use(self._of_the_site)

    def _use(self, options: str) -> None:
        self._options["options"] = options
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # of Django's PostgreSQL backend
