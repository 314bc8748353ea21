"""The pages in a real browser, which applies what no test client does: CSP, Referrer-Policy, cookies' SameSite."""

import json
import shutil
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.flows.person import EMAIL, PASSWORD
from tests.servers import Server

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on this machine (Debian: apt-get install chromium)"
)
OFFLINE = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run",
           "--disable-component-update", "--disable-sync")  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OFFLINE)
        yield browser.new_context(viewport={"width": 390, "height": 844})
        browser.close()


@pytest.fixture
def page(chromium: BrowserContext) -> Iterator[Page]:
    """A phone nobody is logged in on; whatever the browser complains of fails the test."""
    chromium.clear_cookies()
    page = chromium.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    page.close()
    assert not complaints


def log_in(page: Page) -> None:
    page.fill("input[name=login]", EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_log_in_and_consent_lead_back_to_the_app(live: Server, page: Page, decision: str) -> None:
    """Form-action lets the redirect through, and the form's Origin is not `null`."""
    seen = []
    page.route("http://127.0.0.1:51997/**", lambda route: (seen.append(route.request), route.fulfill(body="back")))
    query = {
        "client_id": "demo-mobile", "redirect_uri": "http://127.0.0.1:51997/callback", "response_type": "code",
        "scope": "accounts:read", "state": "s", "code_challenge": "A" * 43, "code_challenge_method": "S256",
    }  # fmt: skip
    page.goto(f"{live.url}/oauth/authorize?{urlencode(query)}")
    log_in(page)
    page.click(f"button[value={decision}]")
    page.wait_for_url("http://127.0.0.1:51997/**")
    answer = parse_qs(urlsplit(seen[0].url).query)
    assert ("code" in answer) is (decision == "allow")
    assert "referer" not in seen[0].headers  # RFC 9700 §4.2


def test_a_person_picks_the_accounts(live: Server, page: Page) -> None:
    """RFC 9396: what was unticked is not allowed, and the page of the apps says what was."""
    page.route("http://127.0.0.1:51997/**", lambda route: route.fulfill(body="back"))
    detail = {"type": "account_information", "actions": ["accounts", "balances"], "valid_for": "P30D"}
    query = {
        "client_id": "demo-mobile", "redirect_uri": "http://127.0.0.1:51997/callback", "response_type": "code",
        "authorization_details": json.dumps([detail]), "code_challenge": "A" * 43, "code_challenge_method": "S256",
    }  # fmt: skip
    page.goto(f"{live.url}/oauth/authorize?{urlencode(query)}")
    log_in(page)
    page.uncheck("text=Rainy day")
    page.click("button[value=allow]")
    page.wait_for_url("http://127.0.0.1:51997/**")
    page.goto(f"{live.url}/oauth/apps")
    said = page.inner_text("section:has-text('Pocket Ledger')")
    assert "Everyday" in said
    assert "Rainy day" not in said


def test_a_device_is_let_in_and_the_app_removed(live: Server, page: Page) -> None:
    form = {"client_id": "demo-device", "scope": "accounts:read"}
    asked = requests.post(f"{live.url}/oauth/device_authorization", data=form, timeout=5).json()
    page.goto(asked["verification_uri_complete"])
    log_in(page)
    page.click("main button[type=submit]")
    page.click("button[value=allow]")
    assert "let in" in page.inner_text("h1")
    page.goto(f"{live.url}/oauth/apps")
    page.click("summary:has-text('Remove Living-room TV')")
    page.click("button:has-text('Yes, remove Living-room TV')")
    assert "Removed" in page.inner_text("main")
    assert "Living-room TV" not in page.inner_text("main")
