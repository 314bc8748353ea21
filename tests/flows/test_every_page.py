"""Rules for every page of the site, measured in Chromium: accessibility, size and requests.

axe-core (npm) checks each page in four forms: light and dark, on a phone of 360 px and at 1280 px. `make screenshots`
stores pictures of them for docs/pages.md.
"""

import base64
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from django.urls.exceptions import Resolver404
from playwright.sync_api import Browser, ConsoleMessage, Page

from oauth.conf import conf
from tests.lib import person, site_map
from tests.lib.chromium import needs_chromium
from tests.lib.node import NODE
from tests.lib.servers import PATIENCE_SECONDS, Server
from tests.lib.site_map import Row
from tests.lib.visitors import RETURNS_TO, Site

pytestmark = needs_chromium
SIZES = [(360, 780), (1280, 800)]
SCHEMES = ["light", "dark"]
PICTURES = os.environ.get("PICTURES")  # the directory for the pictures
MOST_BYTES = 60_000
MOST_REQUESTS = 4  # files besides the document: two stylesheets, the logo, a script
# Django's admin adds about twenty files, including jQuery, which browsers cache. The demo sends all static files
# uncompressed; production compresses them to a third.
MOST_BYTES_OF_ADMIN = 600_000

AXE = """async tags => {
    document.getAnimations().filter(one => one instanceof CSSTransition).forEach(one => one.finish());
    const found = await axe.run(document, {
        runOnly: tags,
        resultTypes: ["violations"],  // one element for each rule without violations: naming all elements takes longer
    });
    if (!found.passes.length) throw new Error("axe has looked at nothing");
    return found.violations.flatMap(one => one.nodes.map(node => [one.id, node.target.join(" "), node.failureSummary]));
}"""
ALL_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
RULES_OF_COLOUR = ["color-contrast", "link-in-text-block"]  # the theme changes only colors
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


class Visitor:
    """The browser of one visitor, which records what a page has fetched and which errors Chromium has logged."""

    def __init__(self, browser: Browser) -> None:
        self.page = browser.new_context().new_page()
        self.page.set_default_timeout(PATIENCE_SECONDS * 1000)
        self.bytes: dict[str, int] = {}
        self.urls: list[str] = []
        self.named_by_page: list[str] = []
        self.document = ""  # the browser's id of the document
        self.requests: set[str] = set()  # the ids of its requests
        self.complaints: list[str] = []
        self.headers: dict[str, str] = {}  # of the page
        self.page.on("console", self._hears)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.devtools = devtools = self.page.context.new_cdp_session(self.page)
        devtools.send("Network.enable")
        devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})  # without a cache, as at the first visit
        devtools.on("Network.requestWillBeSent", self._asks)
        devtools.on("Network.responseReceived", self._is_answered)
        devtools.on("Network.loadingFinished", self._gets)

    def forget(self) -> None:
        self.bytes.clear()
        self.urls.clear()
        self.requests.clear()
        self.named_by_page.clear()
        self.complaints.clear()

    def _hears(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _asks(self, event: dict[str, Any]) -> None:
        if event.get("type") == "Document":
            self.forget()
            self.document = event["loaderId"]
        elif event["loaderId"] != self.document:
            return  # a request of the previous page, while this one loads
        url = event["request"]["url"]
        self.urls.append(url)
        self.requests.add(event["requestId"])
        # Scripts send requests only later; see static/passkeys.js.
        if event.get("type") != "Document" and event["initiator"]["type"] != "script" and not url.startswith("data:"):
            self.named_by_page.append(url)

    def _is_answered(self, event: dict[str, Any]) -> None:
        if event["type"] == "Document":
            self.headers = {name.lower(): value for name, value in event["response"]["headers"].items()}

    def photograph(self, file: Path) -> None:
        """Takes a picture as WebP, which is a third of the size of a PNG. Playwright itself cannot write WebP."""
        self.page.evaluate("scrollTo(0, 0)")
        image = self.devtools.send("Page.captureScreenshot", {"format": "webp", "quality": 20})
        file.write_bytes(base64.b64decode(image["data"]))

    def _gets(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self.requests:
            self.bytes[event["requestId"]] = event["encodedDataLength"]


@pytest.fixture(scope="module")
def axe(libraries: None) -> str:
    return (NODE / "node_modules/axe-core/axe.min.js").read_text()


@pytest.fixture(scope="module")
def site(live: Server) -> Site:
    return Site(live)


@pytest.fixture(scope="module")
def visitors(site: Site, chromium: Browser) -> dict[str, Visitor]:
    visitors = {who: Visitor(chromium) for who in ("nobody", "alice", "grace", "admin")}
    for who in ("alice", "admin"):
        site.log_in(visitors[who].page, f"{who}@demo.test")
    return visitors


def be_there(site: Site, visitor: Visitor, row: Row) -> Page:
    """Opens the page in the browser, with the width of a phone and in light colors."""
    page = visitor.page
    page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})
    page.emulate_media(color_scheme="light")
    if row.who == "nobody":
        page.context.clear_cookies()
    path = (row.first and row.first(site, page)) or row.path
    if path:
        site.open(page, path)
    page.wait_for_load_state("networkidle")
    assert view_of(page.url) == row.view, "the browser has come to another page"
    return page


def view_of(url: str) -> str:
    try:
        return resolve(urlsplit(url).path).view_name
    except Resolver404:
        return ""


@pytest.mark.parametrize("row", site_map.ROWS, ids=str)
def test_a_page_is_light_and_everybody_can_read_it(
    site: Site, visitors: dict[str, Visitor], axe: str, row: Row
) -> None:
    """The page meets WCAG 2.2 AA as far as a program can check it. It loads nothing from third parties, and Chromium
    logs no error, such as a breach of our CSP. No other site can frame it, and no cache stores it if it has data of a
    user.
    """
    visitor = visitors[row.who]
    page = be_there(site, visitor, row)
    assert [url for url in visitor.urls if not url.startswith((f"{site.live.url}/", "data:"))] == []
    # Chromium also logs an error for each document with an error status, which is expected.
    is_expected = re.compile(rf"Failed to load resource: .* status of {row.status} ") if row.status >= 400 else None
    assert [text for text in visitor.complaints if not (is_expected and is_expected.match(text))] == []
    is_admin = row.who == "admin"
    assert "frame-ancestors 'none'" in visitor.headers["content-security-policy"]
    assert visitor.headers["x-frame-options"] == "DENY"
    if row.who != "nobody":
        assert "no-store" in visitor.headers["cache-control"]
    assert sum(visitor.bytes.values()) <= (MOST_BYTES_OF_ADMIN if is_admin else MOST_BYTES)
    assert is_admin or len(set(visitor.named_by_page)) <= MOST_REQUESTS, visitor.named_by_page
    page.evaluate(axe)
    faults = {}
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        if not page.evaluate(FITS):
            faults["wider than the screen", str(width)] = ""
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            for rule, where, why in page.evaluate(AXE, RULES_OF_COLOUR if scheme == "dark" else ALL_RULES):
                if not (is_admin and site_map.is_djangos(rule, where)):
                    faults.setdefault((rule, where), f"{width} px, {scheme}: {why}")
            if PICTURES and (width, scheme) in row.pictures:
                visitor.photograph(Path(PICTURES) / row.pictures[width, scheme])
    assert not faults, "\n".join(map(str, faults.items()))


def test_every_address_has_its_row() -> None:
    """This test fails for a new page that is not measured. Of the admin pages that Django makes, only samples are
    measured.
    """
    ours = {
        name
        for path, name in addresses(get_resolver())
        if not path.startswith("/admin/") and not conf.is_machine_endpoint(path)
    }
    assert ours == {row.view for row in site_map.ROWS if row.view and row.who != "admin"} | set(site_map.NO_PAGE)


def addresses(resolver: URLResolver, path: str = "/", namespace: str = "") -> Iterator[tuple[str, str]]:
    """Returns path and name of each URL; a URL without a name has its path as name."""
    for pattern in resolver.url_patterns:
        here = f"{path}{pattern.pattern}"
        if isinstance(pattern, URLPattern):
            yield here, f"{namespace}{pattern.name}" if pattern.name else here
        else:
            yield from addresses(pattern, here, f"{pattern.namespace}:" if pattern.namespace else namespace)


@pytest.fixture
def without_javascript(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 360, "height": 780})
    yield context.new_page()
    context.close()


def test_a_user_without_javascript_logs_in_and_lets_an_app_in(site: Site, without_javascript: Page) -> None:
    page = without_javascript
    site.be_the_app(page)
    site.ask_for_accounts(page)
    page.fill("input[name=login]", person.EMAIL)
    page.fill("input[name=password]", person.PASSWORD)
    page.click("#password button[type=submit]")
    page.uncheck("text=Rainy day")
    page.click("button[value=allow]")
    page.wait_for_url(f"{RETURNS_TO}**")
    assert "code=" in page.url


def test_a_user_without_javascript_makes_a_transfer(site: Site, without_javascript: Page) -> None:
    page = without_javascript
    site.log_in(page, person.EMAIL)
    site.fill_in_a_transfer(page)
    page.click("main form button:has-text('Pay')")
    page.wait_for_url("**/bank/transfers/*")
    assert "£12.50" in page.inner_text("main")


def test_the_icon_that_browsers_ask_for_unasked_is_there(live: Server) -> None:
    answer = requests.get(f"{live.url}/favicon.ico", timeout=60)
    assert answer.ok
    assert answer.headers["Content-Type"].startswith("image/")
