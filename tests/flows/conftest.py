"""A demo that runs as a person would run it, for stories over real HTTP."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests import servers

NODE = Path(__file__).parent / "node"
CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on this machine (Debian: apt-get install chromium)"
)
_OFFLINE = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run",
            "--disable-component-update", "--disable-sync")  # fmt: skip


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


@pytest.fixture(scope="session")
def libraries() -> None:
    """`npm ci`, once per lock file."""
    stamp = NODE / "node_modules" / ".package-lock.json"
    lock = NODE / "package-lock.json"
    if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=NODE, check=True, timeout=300)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Asks nobody but the pages that a test opens."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_OFFLINE)
        yield browser
        browser.close()
