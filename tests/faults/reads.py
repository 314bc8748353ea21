"""Whether a site reads its replica."""

import re

import requests

from tests.faults.site import Site
from tests.lib.servers import wait_until

_READ = re.compile(r'database_replica_reads_total\{outcome="replica"\} ([\d.]+)')


def wait_for_replica(site: Site) -> None:
    """Waits until both servers have read from the replica once more."""
    for server in site.servers:
        before = _number(server.url)
        wait_until(lambda url=server.url, before=before: _asks(site, url) and _number(url) > before)  # type: ignore[misc]


def _asks(site: Site, url: str) -> bool:
    headers = {"Authorization": f"Bearer {site.seed['token_of_payer']}", "Host": "bank.example"}
    return requests.get(f"{url}/api/v1/transfers", headers=headers, timeout=30).ok


def _number(url: str) -> float:
    found = _READ.search(requests.get(f"{url}/metrics", headers={"Host": "bank.example"}, timeout=30).text)
    return float(found[1]) if found else 0.0
