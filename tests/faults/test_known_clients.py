"""While the database is unreachable, each host issues tokens by client_credentials to the clients that it has served
itself, and each of its processes serves the JWK Set.
"""

from collections.abc import Iterator

import pytest
import requests

from tests.faults import cluster
from tests.faults import site as sites
from tests.faults.fault import most_seconds
from tests.faults.site import AppServer, Site
from tests.lib.servers import wait_until

REQUESTS = 40


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("known-clients")
    with sites.running(folder, cluster.running(folder / "database")) as site:
        yield site


def test_each_host_knows_its_own_clients(site: Site) -> None:
    first, second = site.servers

    def ask(server: AppServer, client_id: str) -> requests.Response:
        """Each request has its own connection, so that any process of the server may get it."""
        credentials = (client_id, site.seed["secrets"][client_id])
        form = {"grant_type": "client_credentials"}
        return requests.post(
            f"{server.url}/oauth/token", form, auth=credentials, headers={"Host": "bank.example"}, timeout=30
        )

    def told(server: AppServer, client_id: str) -> set[int]:
        return {ask(server, client_id).status_code for _ in range(REQUESTS)}

    def seconds(server: AppServer, client_id: str) -> float:
        """Returns the 95th percentile of the response times."""
        answers = [ask(server, client_id) for _ in range(REQUESTS)]
        assert {answer.status_code for answer in answers} == {200}
        return sorted(answer.elapsed.total_seconds() for answer in answers)[int(REQUESTS * 0.95)]

    own = {first: "service", second: "other-service"}
    for server, client_id in own.items():
        assert told(server, client_id) == {200}
    calm = {server: seconds(server, client_id) for server, client_id in own.items()}
    wait_until(lambda: all(server.knows(client_id) for server, client_id in own.items()))
    site.database.kill()
    wait_until(lambda: told(first, own[second]) == told(second, own[first]) == {503})
    for server, client_id in own.items():
        assert seconds(server, client_id) <= most_seconds(calm[server])
    for server in own:
        sets = [requests.get(f"{server.url}/oauth/jwks", timeout=30) for _ in range(REQUESTS)]
        assert {answer.status_code for answer in sets} == {200}
    refusal = ask(first, own[second])
    assert (refusal.status_code, refusal.json()["error"]) == (503, "temporarily_unavailable")
    assert int(refusal.headers["Retry-After"]) > 0
    site.database.start()
    wait_until(lambda: all(told(server, client_id) == {200} for server in own for client_id in own.values()))
