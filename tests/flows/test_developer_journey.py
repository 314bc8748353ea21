"""A partner registers an app and tries it with a sandbox user and Authlib. Staff review the app in another browser, and
it goes live. The test runs in Chromium, in the sizes of a phone and a desktop.
"""

import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from playwright.sync_api import Browser, BrowserContext, Page

from tests.lib import person
from tests.lib.chromium import needs_chromium
from tests.lib.servers import Server

pytestmark = needs_chromium
RETURNS_TO = "https://partner.example/callback"
VERIFIER = "v" * 43


@pytest.fixture(params=[(360, 780), (1280, 800)], ids=["phone", "desk"])
def new_browser(request: pytest.FixtureRequest, chromium: Browser) -> Iterator:
    """Each user has their own browser. The app's address is resolved only in these browsers."""
    width, height = request.param
    made: list[BrowserContext] = []

    def open_page(email: str, password: str, live: Server) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height})
        made.append(context)
        page = context.new_page()
        back = "<link rel=icon href=data:,>back at the app"
        page.route(f"{RETURNS_TO}**", lambda route: route.fulfill(body=back, content_type="text/html"))
        page.goto(f"{live.url}/accounts/login/")
        page.fill("input[name=login]", email)
        page.fill("input[name=password]", password)
        with page.expect_navigation():
            page.press("input[name=password]", "Enter")
        return page

    yield open_page
    for context in made:
        context.close()


@pytest.fixture
def metadata(live: Server) -> dict:
    return requests.get(f"{live.url}/.well-known/openid-configuration", timeout=60).json()


def session_of(client_id: str, secret: str) -> OAuth2Session:
    return OAuth2Session(
        client_id,
        secret,
        scope="openid accounts:read balances:read",
        redirect_uri=RETURNS_TO,
        code_challenge_method="S256",
    )


def allow(page: Page, session: OAuth2Session, metadata: dict) -> None:
    """The user allows the app, which then gets a token with Authlib."""
    url, state = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=VERIFIER)
    page.goto(url)
    if page.locator(".everything input").count():
        page.check(".everything input")
    page.click("button[value=allow]")
    page.wait_for_url(f"{RETURNS_TO}**")
    session.fetch_token(
        metadata["token_endpoint"], authorization_response=page.url, code_verifier=VERIFIER, state=state
    )


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_a_partner_goes_from_registration_to_live(live: Server, new_browser, metadata: dict) -> None:
    name = f"Partner {secrets.token_hex(3)}"
    partner = new_browser("bob@demo.test", person.PASSWORD, live)

    # The partner registers a web app and gets its secret.
    partner.goto(f"{live.url}/")
    partner.click("footer >> text=For developers")
    partner.click("text=Register an app")
    partner.click("text=Web app with a server")
    partner.fill("#id_name", name)
    partner.fill("#id_redirect_uris", RETURNS_TO)
    partner.fill("#id_client_uri", "https://partner.example/")
    for scope in ("openid", "accounts:read", "balances:read"):
        partner.check(f"input[value='{scope}']")
    partner.click("main form button[type=submit]")
    partner.wait_for_selector("#client-id")
    assert fits(partner)
    app_url, client_id = partner.url, partner.inner_text("#client-id")
    partner.click("button[value=new]")
    secret = partner.inner_text("#client-secret")

    # A sandbox user, in a separate browser.
    partner.goto(f"{live.url}/developers/sandbox")
    if partner.locator("#name").count() == 0:
        pytest.fail("the developer has as many sandbox users as they may have")
    partner.fill("#name", "Anna Sandbox")
    partner.click("button[value=make]")
    email, password = partner.inner_text("#sandbox-login"), partner.inner_text("#sandbox-password")
    anna = new_browser(email, password, live)
    session = session_of(client_id, secret)
    allow(anna, session, metadata)
    accounts = session.get(f"{live.url}/api/v1/accounts").json()["data"]
    assert {one["currency"] for one in accounts} == {"XTS"}
    assert len(accounts) == 2

    # An ordinary customer cannot allow the app yet.
    alice = new_browser(person.EMAIL, person.PASSWORD, live)
    url, _ = session_of(client_id, secret).create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=VERIFIER
    )
    alice.goto(url)
    assert "not live yet" in alice.inner_text("main")
    assert alice.locator("button[value=allow]").count() == 0

    # The partner sends the app for review, and a member of staff approves it in another browser.
    partner.goto(app_url)
    partner.fill("#note", "We show balances.")
    partner.click("button[value=ask]")
    assert "In review" in partner.inner_text("main")
    staff = new_browser("admin@demo.test", person.PASSWORD, live)
    staff.goto(f"{live.url}/admin/")
    staff.click("text=Apps of developers to review")
    staff.click(f"#result_list >> text={name}")
    assert "We show balances." in staff.inner_text("#content")
    with staff.expect_navigation():
        staff.click("button[value=approve]")
    assert "live with these values" in staff.inner_text("body")

    # The app is live: an ordinary customer allows it, and it reads real accounts.
    partner.goto(app_url)
    assert partner.inner_text(".heading .badge") == "Live"
    real = session_of(client_id, secret)
    allow(alice, real, metadata)
    assert "XTS" not in {one["currency"] for one in real.get(f"{live.url}/api/v1/accounts").json()["data"]}

    # A refusal is found by its error ID.
    wrong = requests.post(
        metadata["token_endpoint"], data={"grant_type": "authorization_code", "code": "x", "redirect_uri": RETURNS_TO,
        "code_verifier": VERIFIER}, auth=(client_id, secret), timeout=60,
    )  # fmt: skip
    partner.goto(f"{app_url}/requests?error_id={wrong.headers['X-Error-Id']}")
    assert "invalid_grant" in partner.inner_text("main")
    assert fits(partner)
    _leave_no_sandbox_user(live, email)
    assert urlsplit(app_url).path.startswith("/developers/apps/")


def _leave_no_sandbox_user(live: Server, email: str) -> None:
    """Removes the owner of the sandbox users, so that the next test may create as many."""
    with psycopg.connect(live.database_url) as connection:
        connection.execute(
            "UPDATE oauth_sandboxuser SET owner_id = NULL WHERE user_id = (SELECT id FROM accounts_user WHERE email = %s)",
            [email],
        )
