"""The dashboard and the alerting rules, with a real Prometheus, on a site under load whose database is killed: each
panel shows data. PICTURES=docs/images/dashboard draws the pictures of docs/monitoring.md, in six minutes.
"""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from bs4 import BeautifulSoup

from tests.faults import cluster, panels
from tests.faults import site as sites
from tests.faults.load import Load
from tests.faults.process import Process
from tests.faults.site import Site
from tests.lib import servers
from tests.lib.oauth_client import PASSWORD
from tests.lib.servers import ROOT, free_port, wait_until

RULES = ROOT / "deploy/prometheus/alerts.yml"
#: Panels without data until such an event has happened.
MAY_BE_EMPTY = {"Jobs that gave up in the last day"}
CONFIGURATION = """
global: {{scrape_interval: 2s, evaluation_interval: 2s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: countersign
    static_configs: [{{targets: [{targets}]}}]
"""


@contextmanager
def scraping(site: Site, folder: Path) -> Iterator[str]:
    """The URL of a Prometheus that reads the metrics of the servers."""
    folder.mkdir()
    targets = ", ".join(f'"127.0.0.1:{server.port}"' for server in site.servers)
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(rules=RULES, targets=targets))
    port = free_port()
    command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
               f"--web.listen-address=127.0.0.1:{port}"]  # fmt: skip
    process = Process(command, dict(os.environ), folder / "log")
    process.start()
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: servers.answers(f"{url}/-/ready"), or_else=process.log.read_text)
        wait_until(lambda: panels.wait_for_scrapes(url, len(site.servers)))
        yield url
    finally:
        process.stop()


@contextmanager
def logging_in(site: Site) -> Iterator[None]:
    """A user who sometimes types a wrong password, and a client with a wrong secret."""
    done = threading.Event()

    def act() -> None:
        number = 0
        while not done.wait(2):
            number += 1
            try:
                _log_in(site.url, "wrong" if number % 4 == 0 else PASSWORD)
                requests.post(f"{site.url}/oauth/introspect", {"token": "x"}, auth=("service", "wrong"), timeout=10)
            except requests.RequestException:
                continue  # the database is unreachable

    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(60)


@contextmanager
def _audited(site: Site) -> Iterator[None]:
    """Runs an audit of the ledger, because the worker does so only every hour."""
    subprocess.run([sys.executable, "manage.py", "ledger_audit"], cwd=ROOT, env=site.environment, check=True)
    yield


def _log_in(url: str, password: str) -> None:
    with requests.Session() as browser:
        browser.trust_env = False
        page = browser.get(f"{url}/accounts/login/", timeout=10)
        field = BeautifulSoup(page.text, "html.parser").select_one("[name=csrfmiddlewaretoken]")
        if field is not None:
            form = {"csrfmiddlewaretoken": field["value"], "login": "faults@example.test", "password": password}
            browser.post(f"{url}/accounts/login/", form, timeout=10)


def test_each_panel_shows_what_happened(tmp_path: Path) -> None:
    if not shutil.which("prometheus"):
        pytest.skip("prometheus is not on this machine")
    pictures = os.environ.get("PICTURES")
    seconds = 360.0 if pictures else 90.0
    with (
        sites.running(tmp_path, cluster.running(tmp_path / "database")) as site,
        _audited(site),
        scraping(site, tmp_path / "prometheus") as prometheus,
        Load(site),
        logging_in(site),
    ):
        began = time.time()
        time.sleep(seconds / 2)
        site.database.kill()
        time.sleep(8)
        site.database.start()
        time.sleep(seconds / 2 - 8)
        shown = panels.write(Path(pictures) if pictures else tmp_path, prometheus, began, time.time())
        at_fault = shown["Requests by status"]
    assert {title for title, found in shown.items() if not found} <= MAY_BE_EMPTY
    assert any(line.name == "503" and max(value for _, value in line.points) > 0 for line in at_fault)
    gave_up = [line.name for line in shown["Jobs that gave up in the last day"] if line.points[-1][1] > 0]
    assert not gave_up, (tmp_path / "worker.log").read_text()[-3000:]
    # For half a minute after the outage, the lanes of the worker that registered before it count as well.
    assert {value for _, value in shown["Background workers"][0].points} <= {0, 1, 2}
    assert shown["Background workers"][0].points[-1][1] >= 1
    assert max(value for _, value in shown["Servers by release"][0].points) == 2
