"""The faults of a site whose servers reach PostgreSQL through pgbouncer in transaction mode (docs/operating.md)."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.faults import pgbouncer
from tests.faults import site as sites
from tests.faults.fault import Fault, check
from tests.faults.load import Load
from tests.faults.site import Site
from tests.lib.servers import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if reason := pgbouncer.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("pgbouncer")
    with sites.running(folder, pgbouncer.running(folder), DB_SERVER_SIDE_CURSORS="off") as site:
        yield site


FAULTS = [
    Fault("nothing", lambda _: None, spares_all=True),
    Fault("pgbouncer: kill -9, then start", lambda site: site.database.pooler.kill(),
          lambda site: site.database.pooler.start(), spares_independent=True),
    Fault("pgbouncer: SIGSTOP", lambda site: site.database.pooler.pause(), lambda site: site.database.pooler.resume()),
    Fault("pgbouncer: its connections replaced", lambda site: site.database.reconnect(), spares_all=True),
    Fault("PostgreSQL behind it: kill -9, then start", lambda site: site.database.cluster.kill(),
          lambda site: site.database.cluster.start(), spares_independent=True),
    Fault("PostgreSQL behind it: SIGSTOP", lambda site: site.database.cluster.pause(),
          lambda site: site.database.cluster.resume()),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_nothing_is_lost_or_doubled_and_all_are_served_again(site: Site, load: Load, fault: Fault) -> None:
    check(site, load, fault)


def test_each_token_is_answered_for_itself_on_new_connections(site: Site, load: Load) -> None:
    """RFC 7662 §2.2, RFC 6749 §6. The processes use prepared statements, which pgbouncer prepares again on each new
    connection to PostgreSQL.
    """
    tokens = dict(site.seed["refresh_tokens_of_books"])

    def post(path: str, **form: str) -> requests.Response:
        secret = site.seed["secrets"]["books"]
        return requests.post(f"{site.url}/oauth/{path}", form, auth=("books", secret), timeout=30)

    def is_of(scope: str, token: str) -> None:
        said = post("introspect", token=token).json()
        assert said["active"], said
        assert (said["client_id"], set(said["scope"].split())) == ("books", {scope, "offline_access"})

    def rotate(scope: str) -> None:
        """Runs in parallel with the others, so that several connections are in use."""
        for _ in range(5):
            is_of(scope, tokens[scope])
            answer = post("token", grant_type="refresh_token", refresh_token=tokens[scope])
            assert answer.ok, answer.text
            tokens[scope] = answer.json()["refresh_token"]
            is_of(scope, answer.json()["access_token"])

    began = time.monotonic()
    for _ in range(3):
        with ThreadPoolExecutor(len(tokens)) as threads:
            list(threads.map(rotate, tokens))
        assert len(site.database.server_connections()) > 1
        site.database.reconnect()
    assert not [answer for answer in list(load.answers) if answer.is_error and answer.began > began]


@pytest.mark.parametrize(
    ("variables", "settings", "expected"),
    [
        ({}, {}, set()),
        ({"DB_SERVER_SIDE_CURSORS": "on"}, {}, {"config.E025"}),
        ({}, {"max_prepared_statements": 0}, {"config.E024"}),
        ({"DB_PREPARED_STATEMENTS": "off"}, {"max_prepared_statements": 0}, set()),
    ],
    ids=["as documented", "with cursors of the server", "statements get lost", "without statements"],
)
def test_the_checks_know_what_pgbouncer_cannot_pass_on(
    site: Site, tmp_path: Path, variables: dict[str, str], settings: dict[str, object], expected: set[str]
) -> None:
    """This test needs its own pgbouncer, because earlier use of a connection affects the check."""
    with pgbouncer.before(site.database.cluster, tmp_path / "pgbouncer", **settings) as pooled:
        environment = site.environment | {"DATABASE_URL": pooled.url_of_site} | variables
        said = subprocess.run(
            [sys.executable, "manage.py", "check", "--database", "default"], cwd=ROOT, env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    found = {word.strip("()") for word in said.stderr.split() if word.startswith("(config.")}
    assert found == expected, said.stderr
    assert bool(said.returncode) == bool(expected)
