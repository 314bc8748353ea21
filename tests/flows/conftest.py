"""A demo that runs as a person would run it, for stories over real HTTP."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests import servers


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """`manage.py demo`: migrated, seeded and served. `live.url` is the issuer, `live.data_dir` holds clients.json."""
    with (
        servers.own_database("live") as database_url,
        servers.run(
            "demo",
            data_dir=tmp_path_factory.mktemp("live"),
            # Stories log in more often than a person does.
            environment={"MODE": "demo", "DATABASE_URL": database_url, "THROTTLE_SCALE": "1000"},
        ) as server,
    ):
        yield replace(server, database_url=database_url)
