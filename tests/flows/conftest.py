"""Fixtures for tests over real HTTP: browsers, and the libraries that run in them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.lib import certificates, toolchains
from tests.lib.chromium import APP_HOST, CHROMIUM, OFFLINE, PARTNER_HOST
from tests.lib.http_listener import HttpListener
from tests.lib.servers import PATIENCE_SECONDS

expect.set_options(timeout=PATIENCE_SECONDS * 1000)  # 5 seconds by default


@pytest.fixture(scope="session")
def libraries() -> None:
    """Installs the libraries that tests/interop/node pins, in tests.lib.node.NODE."""
    toolchains.NODE.prepare()


@pytest.fixture(scope="module")
def apps() -> Iterator[HttpListener]:
    """The server behind the redirect URIs of apps: a headless Chromium stays on its page if nothing answers."""
    with HttpListener(b"back") as apps:
        apps.headers = {"Content-Type": "text/html"}
        yield apps


@pytest.fixture(scope="module")
def chromium(apps: HttpListener, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Starts a Chromium that sends requests only to the pages that a test opens, and those of apps to `apps`."""
    certificate = tmp_path_factory.mktemp("partner") / "server.pem"
    pair = certificates.of_localhost(certificates.authority())
    certificate.write_text(pair.pem + pair.key_pem)
    with sync_playwright() as playwright, HttpListener(b"back", certificate=certificate) as partner:
        rules = f"MAP {APP_HOST} {apps.host}, MAP {PARTNER_HOST} {partner.host}"
        arguments = [*OFFLINE, f"--host-resolver-rules={rules}", "--ignore-certificate-errors"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
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
