"""A background worker that is killed in the middle of a statement: another worker makes the file again, and the
customer gets one complete file.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from bs4 import BeautifulSoup

from tests.faults import cluster
from tests.faults import site as sites
from tests.faults.blocking_storage import HANGS
from tests.faults.site import Site
from tests.lib.oauth_client import form_fields
from tests.lib.servers import ROOT, wait_until


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("statements")
    (folder / "files").mkdir()
    with sites.running(
        folder, cluster.running(folder / "database"), STATEMENT_FILE_ROWS="2",
        FILES_STORAGE="tests.faults.blocking_storage.BlockingStorage",
        FILES_STORAGE_OPTIONS=json.dumps({"location": str(folder / "files")}),
    ) as site:  # fmt: skip
        yield site


@dataclass
class Customer:
    """A customer with a browser and an app."""

    site: Site
    browser: requests.Session
    month: str
    token: str

    @property
    def account(self) -> str:
        return f"{self.site.url}/bank/accounts/{self.site.seed['destination']}"

    def ask(self) -> None:
        page = self.browser.get(f"{self.account}/statements/{self.month}.csv", timeout=30)
        form = BeautifulSoup(page.content, "html.parser").select_one("main form")
        assert form, page.text
        asked = self.browser.post(f"{self.site.url}{form['action']}", form_fields(page.content), timeout=30)
        assert asked.ok, asked.text

    def links(self) -> list[str]:
        page = self.browser.get(f"{self.account}/statements", timeout=30)
        assert page.ok, page.text
        found = BeautifulSoup(page.content, "html.parser").select("a[href^='/bank/statement-files/']")
        return [str(link["href"]) for link in found]

    def open(self, link: str) -> str:
        file = self.browser.get(f"{self.site.url}{link}", timeout=30)
        assert file.ok, file.text
        return file.content.decode()

    def read(self) -> requests.Response:
        url = f"{self.site.url}/api/v1/accounts/{self.site.seed['destination']}/statements/{self.month}"
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        return requests.get(url, headers=headers, timeout=30)


@pytest.fixture(scope="module")
def customer(site: Site) -> Iterator[Customer]:
    command = [sys.executable, Path(__file__).with_name("long_statement.py"), site.seed["destination"]]
    done = subprocess.run(command, cwd=ROOT, env=site.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    seed = json.loads(done.stdout.splitlines()[-1])
    with requests.Session() as browser:
        browser.cookies.set(seed["cookie"], seed["session"])
        yield Customer(site, browser, seed["month"], seed["token"])


def test_a_worker_killed_while_it_writes_leaves_one_complete_file(site: Site, customer: Customer) -> None:
    files = site.folder / "files"
    (files / HANGS).touch()
    customer.ask()
    assert customer.read().status_code == 202
    hanging = [files / "written.csv", files / "written.json"]
    wait_until(lambda: all(one.exists() for one in hanging), or_else=site.worker.log.read_text)
    site.worker.kill()
    # One file is complete, the other is half written. No email has been sent about either.
    left = {one.name for one in (files / "statements").iterdir()}
    assert len(left) == 2
    assert customer.links() == []
    assert customer.read().status_code == 202
    (files / HANGS).unlink()
    site.worker.start()
    wait_until(lambda: customer.links() and customer.read().status_code == 200, or_else=site.worker.log.read_text)
    [link] = customer.links()
    rows = customer.open(link)
    assert [rows.count(what) for what in ("Salary", "Rent", "Interest")] == [1, 1, 1]
    assert "Closing balance" in rows.splitlines()[-1]
    told = customer.read().json()["transactions"]
    assert [one["description"] for one in told] == ["Salary", "Rent", "Interest"]
    # Each was made once. One email was sent: about the file that was asked for in the browser.
    assert site.ask("SELECT count(*) FROM statement_file WHERE made_at IS NOT NULL") == [(2,)]
    notices = "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'mail' AND args->>'kind' = 'statement_ready'"
    assert site.ask(notices) == [(1,)]
    clean_up = "from banking import statement_files; statement_files.delete_old()"
    subprocess.run([sys.executable, "manage.py", "shell", "-c", clean_up], cwd=ROOT, env=site.environment, check=True)
    kept = {one.name for one in (files / "statements").iterdir()}
    assert len(kept) == 2
    assert not kept & left
