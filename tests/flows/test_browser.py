"""The pages in a real browser, which, unlike a test client, enforces CSP, Referrer-Policy and SameSite."""

import base64
import hashlib
import json
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.lib.chromium import log_in, needs_chromium
from tests.lib.http_listener import HttpListener
from tests.lib.servers import Server, wait_until

pytestmark = needs_chromium
RETURNS_TO = "http://127.0.0.1:51997/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_log_in_and_consent_lead_back_to_the_app(live: Server, page: Page, apps: HttpListener, decision: str) -> None:
    """The CSP's form-action allows the redirect, and the Origin of the form is not `null`."""
    apps.received.clear()
    apps.received_headers.clear()
    query = {
        "client_id": "demo-mobile", "redirect_uri": "http://127.0.0.1:51997/callback", "response_type": "code",
        "scope": "accounts:read", "state": "s", "code_challenge": "A" * 43, "code_challenge_method": "S256",
    }  # fmt: skip
    page.goto(f"{live.url}/oauth/authorize?{urlencode(query)}")
    log_in(page)
    page.click(f"button[value={decision}]")
    page.wait_for_url("http://127.0.0.1:51997/**")
    answer = parse_qs(urlsplit(apps.received[0][1]).query)
    assert ("code" in answer) is (decision == "allow")
    assert "Referer" not in apps.received_headers[0]  # RFC 9700 §4.2


def test_a_user_picks_the_accounts(live: Server, page: Page) -> None:
    """RFC 9396: accounts that the user has unticked are not allowed, and the page of the app lists the allowed ones."""
    detail = {"type": "account_information", "actions": ["accounts", "balances"], "valid_for": "P30D"}
    query = {
        "client_id": "demo-mobile", "redirect_uri": "http://127.0.0.1:51997/callback", "response_type": "code",
        "authorization_details": json.dumps([detail]), "code_challenge": "A" * 43, "code_challenge_method": "S256",
    }  # fmt: skip
    authorize = f"{live.url}/oauth/authorize?{urlencode(query)}"
    page.goto(authorize)
    log_in(page)
    page.wait_for_selector("button[value=allow]")
    names = ("Everyday", "Rainy day")
    before = [times_covered(live, page, name) for name in names]  # other tests may have allowed the app before
    page.goto(authorize)
    page.uncheck("text=Rainy day")
    page.click("button[value=allow]")
    page.wait_for_url("http://127.0.0.1:51997/**")
    assert [times_covered(live, page, name) for name in names] == [before[0] + 1, before[1]]


@pytest.mark.parametrize("height", [256, 568])
def test_the_buttons_never_cover_what_has_the_focus(live: Server, page: Page, height: int) -> None:
    """WCAG 2.2, 1.4.10 and 2.4.11: 320 x 256 is a screen of 1280 x 1024 at a zoom of 400 %."""
    page.set_viewport_size({"width": 320, "height": height})
    query = {
        "client_id": "demo-mobile", "redirect_uri": "http://127.0.0.1:51997/callback", "response_type": "code",
        "scope": "accounts:read balances:read transactions:read", "code_challenge": "A" * 43,
        "code_challenge_method": "S256",
    }  # fmt: skip
    page.goto(f"{live.url}/oauth/authorize?{urlencode(query)}")
    log_in(page)
    page.wait_for_selector("button[value=allow]")
    reached = set()
    while "allow" not in reached:
        page.keyboard.press("Tab")
        value, is_seen = page.evaluate(_FOCUS)
        assert is_seen, value
        reached.add(value)
    assert len(reached) > 3
    assert page.evaluate(_AMOUNTS_OUTSIDE) == 0


#: The value of the element with the focus, and whether the user sees its middle.
_FOCUS = """async () => {
  await new Promise(requestAnimationFrame);
  const focused = document.activeElement, box = focused.getBoundingClientRect();
  const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return [focused.value || focused.textContent.trim(), !!top && focused.contains(top)];
}"""


#: How many amounts reach beyond the row of their account.
_AMOUNTS_OUTSIDE = """() => [...document.querySelectorAll(".choices .money")].filter(
  amount => amount.getBoundingClientRect().right > amount.closest("label").getBoundingClientRect().right + 1).length"""


def times_covered(live: Server, page: Page, account: str) -> int:
    """Returns how often the page of the app lists the account among those that the app may see."""
    page.goto(f"{live.url}/oauth/apps")
    app = page.locator(".apps a", has_text="Pocket Ledger")
    if not app.count():
        return 0
    app.click()
    page.wait_for_selector("h2:has-text('What it read and did')")
    return page.locator(f"main dl.facts dt:text-is('{account}')").count()


def test_a_user_allows_a_device_and_removes_the_app(live: Server, page: Page) -> None:
    form = {"client_id": "demo-device", "scope": "accounts:read"}
    asked = requests.post(f"{live.url}/oauth/device_authorization", data=form, timeout=60).json()
    page.goto(asked["verification_uri_complete"])
    log_in(page)
    page.click("main button[type=submit]")
    page.click("button[value=allow]")
    assert "is connected" in page.inner_text("h1")
    page.goto(f"{live.url}/oauth/apps")
    page.click("summary:has-text('Remove Living-room TV')")
    page.click("button:has-text('Yes, remove Living-room TV')")
    assert "Removed" in page.inner_text("main")
    assert "Living-room TV" not in page.inner_text("main")


def authorization_url(live: Server, **parameters: str) -> str:
    query = {
        "client_id": "demo-mobile", "redirect_uri": RETURNS_TO, "response_type": "code", "code_challenge": CHALLENGE,
        "code_challenge_method": "S256", **parameters,
    }  # fmt: skip
    return f"{live.url}/oauth/authorize?{urlencode(query)}"


def allow(live: Server, page: Page) -> dict:
    """Presses the button and returns the tokens that the app gets."""
    page.click("button[value=allow]")
    page.wait_for_url("http://127.0.0.1:51997/**")
    code = parse_qs(urlsplit(page.url).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": RETURNS_TO, "code_verifier": VERIFIER,
            "client_id": "demo-mobile"}  # fmt: skip
    return requests.post(f"{live.url}/oauth/token", data=form, timeout=60).json()


def accounts(live: Server, token: str) -> requests.Response:
    return requests.get(f"{live.url}/api/v1/accounts", headers={"Authorization": f"Bearer {token}"}, timeout=60)


def fits(page: Page) -> bool:
    """Whether the page fits without horizontal scrolling."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_the_api_shows_the_picked_accounts_until_others_are_picked_and_the_app_is_removed(
    live: Server, page: Page
) -> None:
    detail = {"type": "account_information", "actions": ["accounts"]}
    page.goto(authorization_url(live, authorization_details=json.dumps([detail])))
    log_in(page)
    page.uncheck("text=Rainy day")
    page.uncheck("text=Holiday euros")
    tokens = allow(live, page)
    assert [row["name"] for row in accounts(live, tokens["access_token"]).json()["data"]] == ["Everyday"]

    page.goto(f"{live.url}/oauth/apps")
    page.click(".apps a:has-text('Pocket Ledger')")
    page.click("text=Change accounts >> nth=0")
    page.uncheck("text=Everyday")
    page.check("text=Rainy day")
    page.click("text=Save")
    assert "Changed." in page.inner_text("main")
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": "demo-mobile"}
    fresh = requests.post(f"{live.url}/oauth/token", data=form, timeout=60).json()
    assert [row["name"] for row in accounts(live, fresh["access_token"]).json()["data"]] == ["Rainy day"]

    page.click("summary:has-text('Remove Pocket Ledger')")
    page.click("button:has-text('Yes, remove Pocket Ledger')")
    assert "Removed" in page.inner_text("main")
    form["refresh_token"] = fresh["refresh_token"]
    assert requests.post(f"{live.url}/oauth/token", data=form, timeout=60).json()["error"] == "invalid_grant"
    # A resource server reads the status list every few seconds.
    wait_until(lambda: accounts(live, fresh["access_token"]).status_code == 401)


def test_what_is_unticked_the_app_does_not_get(live: Server, page: Page) -> None:
    page.goto(authorization_url(live, scope="accounts:read transfers:write"))
    log_in(page)
    page.uncheck("text=Make transfers")
    assert allow(live, page)["scope"] == "accounts:read"


def test_the_device_pages_fit_a_small_screen(live: Server, page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    form = {"client_id": "demo-device", "scope": "accounts:read email"}
    asked = requests.post(f"{live.url}/oauth/device_authorization", data=form, timeout=60).json()
    page.goto(f"{live.url}/oauth/device")
    log_in(page)
    page.fill("#user-code", asked["user_code"].lower().replace("-", " "))
    assert fits(page)
    page.press("#user-code", "Enter")
    assert asked["user_code"] in page.inner_text("main")
    assert "the same network" in page.inner_text("main")
    assert fits(page)
    page.uncheck("text=See your email address")
    page.click("button[value=allow]")
    assert "is connected" in page.inner_text("h1")
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": asked["device_code"],
             "client_id": "demo-device"}  # fmt: skip
    assert requests.post(f"{live.url}/oauth/token", data=grant, timeout=60).json()["scope"] == "accounts:read"


def test_a_double_click_pays_once(live: Server, page: Page) -> None:
    page.goto(f"{live.url}/bank/transfer")
    log_in(page)
    assert not page.is_visible("#id_iban")
    page.fill("#id_amount", "1.37")
    page.select_option("#id_to", label="Rainy day (GBP)")
    page.fill("#id_reference", "Pressed twice")
    page.press("#id_reference", "Enter")
    assert "Is this right?" in page.inner_text("h1")
    page.dblclick("main form button:has-text('Pay')")
    expect(page).to_have_url(re.compile(r"/bank/transfers/"))  # the second click may cancel the navigation of the first
    assert "£1.37" in page.inner_text("main")
    page.goto(f"{live.url}/bank/")
    page.click("a.card:has-text('Everyday')")
    page.click("summary:has-text('Search')")
    page.fill("#id_q", "pressed twice")
    page.press("#id_q", "Enter")
    page.wait_for_url("**q=pressed*")
    assert page.inner_text("main").count("Pressed twice") == 1
    assert "−£1.37" in page.inner_text("main")
