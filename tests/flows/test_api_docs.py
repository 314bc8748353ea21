"""The page with the API's documentation, where “Authorize” starts a login with PKCE at the same server."""

import pytest
from playwright.sync_api import Browser, Page

from tests.lib.chromium import log_in, needs_chromium
from tests.lib.servers import Server

pytestmark = needs_chromium


def test_authorize_runs_pkce_and_the_api_answers(live: Server, page: Page) -> None:
    page.goto(f"{live.url}/api/docs")
    page.click("button.authorize")
    page.click("label[for^='accounts:read-']")
    with page.expect_popup() as opened:
        page.click(".auth-container:has(label[for^='accounts:read-']) button.authorize")
    popup = opened.value
    log_in(popup)
    with popup.expect_event("close"):
        popup.click("button[value=allow]")
    page.wait_for_selector(".modal-ux button:has-text('Logout')")
    page.click(".modal-ux button.btn-done")
    page.click("#operations-Accounts-get_accounts button.opblock-summary-control")
    page.click("#operations-Accounts-get_accounts button.try-out__btn")
    page.click("#operations-Accounts-get_accounts button.execute")
    page.wait_for_selector("#operations-Accounts-get_accounts .live-responses-table")
    said = page.inner_text("#operations-Accounts-get_accounts .live-responses-table")
    assert "200" in said
    assert "Everyday" in said


# Cached files are counted as transferred.
TRANSFERRED = """() => {
  const painted = performance.getEntriesByType("paint").find((one) => one.name === "first-contentful-paint");
  const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  return entries.map((one) => ({ name: one.name, bytes: Math.max(one.transferSize, one.encodedBodySize), isBefore: one.startTime <= painted.startTime }));
}"""


def test_it_paints_before_it_loads_swagger_ui(live: Server, page: Page) -> None:
    """Chromium transfers less than 300 kB before its first contentful paint."""
    page.goto(f"{live.url}/api/docs")
    page.wait_for_selector("#operations-Accounts-get_accounts")
    transferred = page.evaluate(TRANSFERRED)
    before = [one for one in transferred if one["isBefore"]]
    assert any(one["name"].endswith("/api/docs") for one in before)
    assert sum(one["bytes"] for one in before) < 300_000, before
    # The whole page is larger, so the measurement is able to fail.
    assert sum(one["bytes"] for one in transferred) > 1_000_000, transferred


@pytest.fixture
def browser_without_scripts(chromium: Browser) -> Page:
    return chromium.new_context(java_script_enabled=False).new_page()


def test_the_operations_can_be_read_without_scripts(live: Server, browser_without_scripts: Page) -> None:
    browser_without_scripts.goto(f"{live.url}/api/docs")
    assert "GET /accounts/{account_id}/transactions" in browser_without_scripts.inner_text("main")
