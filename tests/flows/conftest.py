"""Fixtures for tests over real HTTP: browsers, and the libraries that run in them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.lib import toolchains
from tests.lib.chromium import CHROMIUM, OFFLINE
from tests.lib.servers import PATIENCE_SECONDS

expect.set_options(timeout=PATIENCE_SECONDS * 1000)  # 5 seconds by default


@pytest.fixture(scope="session")
def libraries() -> None:
    """Installs the libraries that tests/interop/node pins, in tests.lib.node.NODE."""
    toolchains.NODE.prepare()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Starts a Chromium that sends requests only to the pages that a test opens."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OFFLINE)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def phone(chromium: Browser) -> BrowserContext:
    return chromium.new_context(viewport={"width": 390, "height": 844})


@pytest.fixture
def page(phone: BrowserContext) -> Iterator[Page]:
    """A page of phone size without a login. The test fails if the browser logs an error."""
    phone.clear_cookies()
    page = phone.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    page.close()
    assert not complaints
