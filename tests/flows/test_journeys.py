"""Complete journeys of customers and staff in Chromium, in the sizes of a phone and a desktop, each user in their own
browser.

test_developer_journey.py has the journey of a partner, from registration to the live app.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from urllib.parse import parse_qs, urlencode, urlsplit

import psycopg
import pytest
import requests
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.lib.chromium import log_in, needs_chromium
from tests.lib.mails import mails
from tests.lib.oauth_client import CHALLENGE, VERIFIER
from tests.lib.servers import Server, wait_until

pytestmark = needs_chromium
PASSWORD = "a-horse-of-its-own"
RETURNS_TO = "http://127.0.0.1:51997/callback"
#: A script that Chromium runs in each page.
COMPLAIN_IF_WIDE = """addEventListener("load", () => {
  const page = document.documentElement;
  if (page.scrollWidth > page.clientWidth) console.error(`wider than the screen: ${location}`);
})"""


@pytest.fixture(params=[(360, 780), (1280, 800)], ids=["phone", "desk"])
def open_browser(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Callable[[], Page]]:
    """A browser of this size for each person. The test fails if Chromium logs an error, or if a page is wider than the
    screen. The app is at an address that only these browsers know.
    """
    width, height = request.param
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_page() -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        context.add_init_script(COMPLAIN_IF_WIDE)
        page = context.new_page()
        back = "<link rel=icon href=data:,>back at the app"
        page.route(f"{RETURNS_TO}**", lambda route: route.fulfill(body=back, content_type="text/html"))
        page.on(
            "console", lambda message: faults.append(message.text) if _is_fault(message.type, message.text) else None
        )
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults


def _is_fault(kind: str, text: str) -> bool:
    """Whether a logged error is unexpected. Chromium also logs an error for each document with an error status."""
    return kind == "error" and not re.match("Failed to load resource: .* status of 4", text)


@pytest.fixture
def customer(live: Server, open_browser: Callable[[], Page]) -> Page:
    page = open_browser()
    page.goto(f"{live.url}/accounts/login/?next=/bank/")
    log_in(page)
    page.wait_for_url("**/bank/")
    return page


def staff(live: Server, page: Page, email: str = "admin@demo.test") -> Page:
    page.goto(f"{live.url}/admin/")
    log_in(page, email)
    page.wait_for_url("**/admin/")
    return page


def press(page: Page, selector: str) -> None:
    with page.expect_navigation():
        page.click(selector)


def ask(live: Server, page: Page, scope: str, **parameters: str) -> None:
    """The app sends its user to the bank. Returns the URL to which the browser comes back."""
    query = {
        "client_id": "demo-mobile", "redirect_uri": RETURNS_TO, "response_type": "code", "scope": scope, "state": "s",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256", **parameters,
    }  # fmt: skip
    page.goto(f"{live.url}/oauth/authorize?{urlencode(query)}")


def token(live: Server, page: Page) -> str:
    """The tokens that the app gets for the code."""
    page.wait_for_url(f"{RETURNS_TO}**")
    form = {
        "grant_type": "authorization_code", "client_id": "demo-mobile", "redirect_uri": RETURNS_TO,
        "code": parse_qs(urlsplit(page.url).query)["code"][0], "code_verifier": VERIFIER,
    }  # fmt: skip
    return str(requests.post(f"{live.url}/oauth/token", data=form, timeout=60).json()["access_token"])


def link_sent_to(live: Server, email: str, part: str) -> str:
    links: list[str] = []

    def has_come() -> bool:
        links[:] = re.findall(rf"https?://\S+{part}\S+", "\n".join(mails(live, email)))
        return bool(links)

    wait_until(has_come)
    return links[-1]


def new_person(live: Server, page: Page, name: str) -> str:
    """Fills in the page of signing up, and opens the link in the email. The login is the next page."""
    email = f"{name.split()[0].lower()}-{secrets.token_hex(4)}@people.test"
    page.fill("input[name=email]", email)
    page.fill("input[name=name]", name)
    page.fill("input[name=password1]", PASSWORD)
    page.fill("input[name=password2]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/accounts/confirm-email/**")
    page.goto(link_sent_to(live, email, "/confirm-email/"))
    press(page, "text=Yes, it is mine")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", PASSWORD)
    press(page, "#password button[type=submit]")
    return email


def open_account(live: Server, page: Page, officer: Page, email: str, name: str) -> None:
    """The user asks for an account, and an officer approves."""
    page.fill("#id_name", name)
    press(page, "main form button:has-text('Ask for it')")
    assert "We have your application." in page.inner_text(".messages")
    officer.goto(f"{live.url}/admin/")
    press(officer, ".tasks >> text=Accounts to open")
    press(officer, f"#result_list tr:has-text('{email}') th a")
    press(officer, ".object-tools >> text=Approve")
    press(officer, "input[type=submit]")
    assert "The account is open." in officer.inner_text(".messagelist")


def test_a_new_customer_comes_from_an_app_and_goes_back_with_an_account(
    live: Server, open_browser: Callable[[], Page]
) -> None:
    page = open_browser()
    ask(live, page, "openid accounts:read balances:read")
    press(page, "text=Sign up")
    email = new_person(live, page, "Nora New")
    assert "asks for access" in page.inner_text("main")

    # The user has no account to share yet, so the page links to the application for one.
    press(page, "main >> text=Open an account")
    open_account(live, page, staff(live, open_browser()), email, "First account")
    wait_until(lambda: any("The account that you asked for is open." in text for text in mails(live, email)))
    page.goto(f"{live.url}/")
    press(page, "text=Continue to")
    page.check("label:has-text('First account') input")
    page.click("button[value=allow]")

    headers = {"Authorization": f"Bearer {token(live, page)}"}
    accounts = requests.get(f"{live.url}/api/v1/accounts", headers=headers, timeout=60).json()["data"]
    assert [one["name"] for one in accounts] == ["First account"]
    balances = f"{live.url}/api/v1/accounts/{accounts[0]['id']}/balances"
    assert requests.get(balances, headers=headers, timeout=60).ok

    def journal() -> str:
        page.goto(f"{live.url}/oauth/apps")
        press(page, ".apps a")
        return page.inner_text("section:has-text('What it read and did')")

    wait_until(lambda: re.search(r"First account: .*balances – \d times? today", journal()))


def test_a_standing_order_is_made_changed_paused_and_cancelled(live: Server, customer: Page) -> None:
    page, reference = customer, f"For {secrets.token_hex(4)}"
    page.goto(f"{live.url}/bank/orders")
    press(page, "text=Pay later or regularly")
    page.select_option("#id_source", index=0)
    page.select_option("#id_to", label="Rainy day (GBP)")
    page.fill("#id_amount", "20")
    page.fill("#id_reference", reference)
    page.select_option("#id_frequency", value="monthly")
    press(page, "main form button[type=submit]")
    assert "and so on, until you cancel it" in page.inner_text("main")
    press(page, "button:has-text('Set it up')")
    order = page.url
    assert "Active" in page.inner_text(".heading")

    press(page, "main >> text=Change")
    page.fill("#id_amount", "35.50")
    later = (timezone.now() + timedelta(days=500)).date()
    page.fill("#id_last_on", later.isoformat())
    press(page, "main form button[type=submit]")
    assert page.url == order
    assert "£35.50" in page.inner_text(".hero")

    press(page, "main button:has-text('Pause')")
    assert "It pays nothing." in page.inner_text("main")
    page.click("summary:has-text('Resume')")
    press(page, "text=Yes, resume it")
    assert "Active" in page.inner_text(".heading")

    page.click("summary:has-text('Cancel')")
    press(page, "text=Yes, cancel it")
    page.goto(order)
    assert "Ended" in page.inner_text(".heading")
    page.goto(f"{live.url}/bank/orders")
    assert reference not in page.inner_text("main")
    press(page, "text=Ended orders")
    assert reference in page.inner_text("main")


def test_staff_go_from_an_error_id_to_the_reason_in_under_four_clicks(
    live: Server, open_browser: Callable[[], Page]
) -> None:
    """For the error ID of each kind of page, the search box of the home page finds the app, the user, and the
    reason.
    """
    customer, officer = open_browser(), staff(live, open_browser())
    ask(live, customer, "accounts:read", redirect_uri="https://wrong.example/callback")
    of_the_app = customer.locator("dt:has-text('Error ID') + dd").inner_text()
    customer.goto(f"{live.url}/no-such-page")
    of_a_page = customer.locator("dt:has-text('Error ID') + dd").inner_text()
    customer.goto(f"{live.url}/accounts/login/")
    customer.context.clear_cookies()
    log_in(customer)
    customer.wait_for_selector("h1:has-text('This form has expired')")
    of_a_form = customer.locator("dt:has-text('Error ID') + dd").inner_text()
    problem = requests.get(f"{live.url}/api/v1/accounts", headers={"Authorization": "Bearer x"}, timeout=60)

    def finds(error_id: str, words: set[str]) -> bool:
        """Searches for the error ID, with one click."""
        officer.goto(f"{live.url}/admin/")
        officer.fill("#error-id", error_id)
        press(officer, ".find-error button")
        found = officer.inner_text("#content")
        return all(word in found for word in words)

    for error_id, words in [
        (of_the_app, {"https://wrong.example/callback", "Pocket Ledger"}),
        (of_a_page, {"/no-such-page"}),
        (of_a_form, {"CSRF"}),
        (problem.json()["instance"], {"/api/v1/accounts"}),
    ]:
        # Refusals that the audit log does not have are stored within seconds.
        wait_until(partial(finds, error_id, words))


def test_a_reversal_takes_two_officers_and_their_worklists(live: Server, open_browser: Callable[[], Page]) -> None:
    reason = f"Paid twice {secrets.token_hex(4)}"
    with psycopg.connect(live.database_url) as connection:
        row = connection.execute(
            "SELECT t.id FROM ledger_transaction t WHERE t.kind = 'transfer' AND t.reverses_id IS NULL AND NOT EXISTS"
            " (SELECT FROM ledger_transaction r WHERE r.reverses_id = t.id) AND NOT EXISTS"
            " (SELECT FROM reversal_request q WHERE q.transaction_id = t.id) ORDER BY t.id DESC LIMIT 1"
        ).fetchone()
    assert row
    first, second = staff(live, open_browser(), "officer@demo.test"), staff(live, open_browser())
    of_transaction = f"{live.url}/admin/banking/ledgertransaction/{row[0]}/change/"
    first.goto(of_transaction)
    press(first, ".object-tools >> text=Ask for a reversal")
    first.fill("#id_reason", reason)
    press(first, "input[type=submit]")
    assert "Waits for a second officer" in first.inner_text("#content")
    assert "Ask for a reversal" not in first.inner_text(".object-tools")
    first.goto(f"{live.url}/admin/")
    assert "Reversals to approve" not in first.inner_text("main"), "the officer who asked must not decide"

    wait_until(lambda: any("/admin/banking/reversalrequest/" in text for text in mails(live, "admin@demo.test")))
    second.goto(f"{live.url}/admin/")
    press(second, ".tasks >> text=Reversals to approve")
    press(second, f"#result_list >> text={reason}")
    press(second, ".object-tools >> text=Approve")
    press(second, "input[type=submit]")
    assert "The money has moved." in second.inner_text(".messagelist")
    first.goto(of_transaction)
    assert "Approved" in first.inner_text("#content")
    assert "Ask for a reversal" not in first.inner_text(".object-tools")


def test_a_user_closes_an_account_and_then_their_user_account(live: Server, open_browser: Callable[[], Page]) -> None:
    page, officer = open_browser(), staff(live, open_browser())
    page.goto(f"{live.url}/accounts/signup/")
    email = new_person(live, page, "Theo Temporary")
    for name in ("Kept to the end", "Closed first"):
        page.goto(f"{live.url}/bank/open")
        open_account(live, page, officer, email, name)
    page.goto(f"{live.url}/bank/")
    press(page, "text=Closed first")
    press(page, "text=Name and sharing")
    press(page, "text=Close this account")
    press(page, "main form button:has-text('Close the account')")
    page.goto(f"{live.url}/bank/")
    assert "Closed first" not in page.inner_text("main") or "Closed" in page.inner_text("main")

    ask(live, page, "openid accounts:read")
    page.check(".everything input")
    page.click("button[value=allow]")
    headers = {"Authorization": f"Bearer {token(live, page)}"}

    page.goto(f"{live.url}/accounts/")
    press(page, "text=Close my user account")
    page.check("#id_confirm")
    press(page, "main button:has-text('Close my user account')")
    assert page.url.endswith("/accounts/closed/")
    page.goto(f"{live.url}/accounts/login/")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", PASSWORD)
    press(page, "#password button[type=submit]")
    expect(page.locator("main .errorlist")).to_be_visible()
    url = f"{live.url}/api/v1/accounts"
    wait_until(lambda: requests.get(url, headers=headers, timeout=60).status_code == 401)
    officer.goto(f"{live.url}/admin/accounts/user/?q={email}")
    assert officer.locator("#result_list tbody tr").count() == 0
