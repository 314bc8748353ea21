"""A demo that runs as a person would run it, for stories over real HTTP."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.lib import servers, toolchains
from tests.lib.chromium import CHROMIUM, OFFLINE


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
    """Those that tests/interop/node pins, in tests.lib.node.NODE."""
    toolchains.NODE.prepare()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Asks nobody but the pages that a test opens."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OFFLINE)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def phone(chromium: Browser) -> BrowserContext:
    return chromium.new_context(viewport={"width": 390, "height": 844})


@pytest.fixture
def page(phone: BrowserContext) -> Iterator[Page]:
    """A phone nobody is logged in on; whatever the browser complains of fails the test."""
    phone.clear_cookies()
    page = phone.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    page.close()
    assert not complaints
