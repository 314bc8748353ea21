"""The page of the API's documentation, where “Authorize” is a log-in with PKCE at this very server."""

from playwright.sync_api import Page

from tests.lib.chromium import log_in, needs_chromium
from tests.lib.servers import Server

pytestmark = needs_chromium


def test_authorize_runs_pkce_and_the_api_answers(live: Server, page: Page) -> None:
    page.goto(f"{live.url}/api/docs")
    page.click("button.authorize")
    page.click("label[for^='accounts:read-']")
    with page.expect_popup() as opened:
        page.click(".modal-ux button.authorize")
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
