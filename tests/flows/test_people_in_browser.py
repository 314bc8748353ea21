"""Signing up, passkeys, an authenticator app and other browsers, in a real Chromium against a running server."""

import base64
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect

from tests.lib import totp
from tests.lib.chromium import DEVICE, needs_chromium
from tests.lib.mails import mails
from tests.lib.oauth_client import CHALLENGE, VERIFIER, decoded
from tests.lib.servers import Server, wait_until

pytestmark = needs_chromium
PASSWORD = "a-horse-of-its-own"
REDIRECT_URI = "http://127.0.0.1:51997/callback"


@pytest.fixture
def phone(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 360, "height": 780})
    yield context
    context.close()


@pytest.fixture
def page(phone: BrowserContext) -> Iterator[Page]:
    """A page of the browser. The test fails if the browser logs an error."""
    page = phone.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    assert not complaints


@pytest.fixture
def device(phone: BrowserContext, page: Page) -> CDPSession:
    """A virtual platform authenticator, which always verifies its user."""
    session = phone.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return session


def sign_up(live: Server, page: Page, name: str) -> str:
    """Signs up with the pages, and confirms the email address."""
    email = f"{name}@people.test"
    page.goto(f"{live.url}/accounts/signup/")
    page.fill("input[name=email]", email)
    page.fill("input[name=name]", name.title())
    page.fill("input[name=password1]", PASSWORD)
    page.fill("input[name=password2]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/accounts/confirm-email/")
    wait_until(lambda: mails(live, email))
    [link] = re.findall(r"https?://\S+", mails(live, email)[0])
    page.goto(link)
    page.click("text=Yes, it is mine")
    page.wait_for_load_state()
    return email


def log_in(live: Server, page: Page, email: str) -> None:
    page.goto(f"{live.url}/accounts/login/?next=/accounts/")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", PASSWORD)
    page.click("#password button[type=submit]")


def log_out(live: Server, page: Page) -> None:
    page.goto(f"{live.url}/accounts/logout/")
    page.click("main button[type=submit]")
    page.wait_for_url(f"{live.url}/")


def token(live: Server, page: Page) -> dict:
    """Returns the tokens of an app that the user of this browser has allowed."""
    query = {
        "client_id": "demo-mobile", "redirect_uri": REDIRECT_URI, "response_type": "code", "scope": "openid",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    }  # fmt: skip
    page.goto(f"{live.url}/oauth/authorize?{urlencode(query)}")
    page.click("button[value=allow]")
    page.wait_for_url("http://127.0.0.1:51997/**")
    form = {
        "grant_type": "authorization_code", "client_id": "demo-mobile", "redirect_uri": REDIRECT_URI,
        "code": parse_qs(urlsplit(page.url).query)["code"][0], "code_verifier": VERIFIER,
    }  # fmt: skip
    answer = requests.post(f"{live.url}/oauth/token", data=form, timeout=60).json()
    return decoded(answer["access_token"])


def test_a_user_signs_up_and_gets_in_once_the_address_is_confirmed(live: Server, page: Page) -> None:
    email = sign_up(live, page, "carol")
    log_in(live, page, email)
    page.wait_for_url(f"{live.url}/accounts/")
    assert email in page.inner_text("section[aria-labelledby=addresses]")


def test_a_passkey_is_made_and_lets_in_and_is_two_factors(live: Server, page: Page, device: CDPSession) -> None:
    email = sign_up(live, page, "dora")
    log_in(live, page, email)
    page.click("text=Add a passkey")
    page.fill("input[name=name]", "My phone")
    page.click("text=Make the passkey")
    page.wait_for_url("**/recovery-codes/")
    log_out(live, page)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or "") if request.method == "POST" else None)
    # the browser offers the passkey in the email field, and the authenticator verifies the user
    page.goto(f"{live.url}/accounts/login/?next=/accounts/")
    page.wait_for_url(f"{live.url}/accounts/")
    assert "My phone" in page.inner_text("section[aria-labelledby=passkeys]")
    claims = token(live, page)
    assert (claims["acr"], claims["amr"]) == ("urn:countersign:acr:mfa", ["mfa", "swk"])

    # WebAuthn §7.2 step 11: an assertion that was sent before is refused, with another challenge and without one.
    [used] = [parse_qs(body)["credential"][0] for body in sent if "credential=" in body]
    for has_challenge in (True, False):
        with requests.Session() as thief:
            form = thief.get(f"{live.url}/accounts/login/", timeout=60).text
            if has_challenge:
                url = f"{live.url}/accounts/2fa/webauthn/login/"
                thief.get(url, headers={"Accept": "application/json"}, timeout=60)
            csrf = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)[0]
            thief.post(
                f"{live.url}/accounts/2fa/webauthn/login/",
                data={"csrfmiddlewaretoken": csrf, "credential": used},
                headers={"Referer": f"{live.url}/accounts/login/"},
                timeout=60,
            )
            answer = thief.get(f"{live.url}/accounts/", allow_redirects=False, timeout=60)
            assert answer.headers["Location"].startswith("/accounts/login/")


def test_an_authenticator_app_is_set_up_and_asked_for(live: Server, page: Page) -> None:
    email = sign_up(live, page, "emma")
    log_in(live, page, email)
    page.click("text=Set up the app")
    secret = page.inner_text("code.secret")
    assert base64.b32decode(secret)
    page.fill("input[name=code]", totp.code(secret))
    page.click("text=Turn it on")
    page.wait_for_url("**/recovery-codes/")
    recovery = page.inner_text(".codes li:first-child")
    log_out(live, page)
    log_in(live, page, email)
    page.wait_for_url("**/accounts/2fa/authenticate/")
    page.fill("input[name=code]", recovery)  # the code of the authenticator app works only once, and was just used
    page.click("main button:has-text('Log in')")
    page.click("text=Do not trust it")
    page.wait_for_url(f"{live.url}/accounts/")
    claims = token(live, page)
    assert (claims["acr"], claims["amr"]) == ("urn:countersign:acr:mfa", ["mfa", "otp", "pwd"])
    wait_until(lambda: any("An authenticator app was set up." in text for text in mails(live, email)))


def test_the_security_page_logs_another_browser_out(live: Server, page: Page, chromium: Browser) -> None:
    email = sign_up(live, page, "fay")
    log_in(live, page, email)
    page.wait_for_url(f"{live.url}/accounts/")
    elsewhere = chromium.new_context(
        user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
    )
    other = elsewhere.new_page()
    log_in(live, other, email)
    other.wait_for_url(f"{live.url}/accounts/")
    page.reload()
    page.click("section[aria-labelledby=sessions] li:has-text('Firefox on Linux') button")
    page.wait_for_load_state()
    assert "Firefox" not in page.inner_text("section[aria-labelledby=sessions]")
    other.goto(f"{live.url}/accounts/")
    assert "/accounts/login/" in other.url
    elsewhere.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_is_wider_than_its_screen(live: Server, page: Page, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 780})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for path in ("login/", "login/code/", "signup/", "password/reset/"):
        page.goto(f"{live.url}/accounts/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_password_is_shown_while_it_is_chosen_and_is_sent_hidden(live: Server, page: Page) -> None:
    page.goto(f"{live.url}/accounts/signup/")
    field, button = page.locator("input[name=password1]"), page.locator(".reveal").first
    page.fill("input[name=email]", "nobody@demo.test")
    field.fill("short")
    page.fill("input[name=password2]", "short")
    button.click()
    assert (field.get_attribute("type"), button.inner_text()) == ("text", "Hide the password")
    page.evaluate("document.querySelector('main form').addEventListener('submit', event => event.preventDefault())")
    page.evaluate("document.querySelector('main form').requestSubmit()")
    assert (field.get_attribute("type"), button.inner_text()) == ("password", "Show the password")


def test_the_meter_says_how_easily_a_new_password_is_guessed(live: Server, page: Page) -> None:
    page.goto(f"{live.url}/accounts/signup/")
    page.fill("input[name=password1]", "qwertyuiop1234")
    said = page.locator(".strength [role=status]")
    expect(said).to_contain_text("Weak. This password is too easy to guess.")
    assert page.locator(".strength meter").get_attribute("aria-label") == "Strength of the password"
    page.fill("input[name=password1]", PASSWORD)
    expect(said).to_have_text("Strong.")
    assert page.locator(".strength meter").evaluate("meter => meter.value") == 4


def test_an_email_can_be_asked_for_again_when_the_wait_is_over(live: Server, page: Page) -> None:
    """The page counts down, but the server decides."""
    page.clock.install()
    page.goto(f"{live.url}/accounts/password/reset/")
    page.fill("input[name=email]", "nobody@demo.test")
    page.click("main button[type=submit]")
    button = page.locator("button[value=resend]")
    expect(button).to_be_disabled()
    page.clock.fast_forward(61_000)
    expect(button).to_be_enabled()
    button.click()
    expect(page.locator(".messages")).to_contain_text("seconds, then ask again.")


def test_a_browser_tells_its_time_zone_before_the_login(live: Server, chromium: Browser) -> None:
    with chromium.new_context(timezone_id="Europe/Berlin") as context:
        context.new_page().goto(f"{live.url}/accounts/login/")
        [told] = [cookie for cookie in context.cookies() if cookie["name"] == "time_zone"]
        assert (told["value"], told["sameSite"], told["path"]) == ("Europe/Berlin", "Lax", "/")
