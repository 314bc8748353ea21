"""Several tabs of one real Chromium, each with an authorization request, and a running server."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.lib.chromium import log_in, needs_chromium
from tests.lib.http_listener import HttpListener
from tests.lib.oauth_client import CHALLENGE
from tests.lib.servers import Server

pytestmark = needs_chromium
Ask = Callable[[str], str]
PICTURES = os.environ.get("TAB_PICTURES", "")


@pytest.fixture
def tabs(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser without cookies."""
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    yield context
    context.close()


@pytest.fixture(scope="module")
def app() -> Iterator[HttpListener]:
    with HttpListener() as app:
        yield app


@pytest.fixture
def ask(live: Server, app: HttpListener) -> Ask:
    """The URL of a request with this state."""

    def url(state: str) -> str:
        query = {
            "client_id": "demo-mobile", "redirect_uri": app.url("/callback"), "response_type": "code",
            "scope": "accounts:read", "code_challenge": CHALLENGE, "code_challenge_method": "S256", "state": state,
        }  # fmt: skip
        return f"{live.url}/oauth/authorize?{urlencode(query)}"

    return url


def told(page: Page, button: str) -> dict[str, str]:
    """Presses this button. Returns the parameters that the app receives."""
    page.click(button)
    page.wait_for_url("http://127.0.0.1:*/callback?*")
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def test_tabs_that_were_opened_together_all_get_there(ask: Ask, tabs: BrowserContext) -> None:
    """15 tabs without cookies. One login is enough: after it, the login form of each other tab continues with that
    tab's request.
    """
    pages = [tabs.new_page() for _ in range(15)]
    for number, page in enumerate(pages):
        page.goto(ask(f"tab-{number}"), wait_until="commit")
    for page in pages:
        page.wait_for_load_state()
    picture(pages[-1], "login")
    log_in(pages[3])  # a later answer has set the CSRF cookie, so this form has an outdated token
    pages[3].wait_for_selector("#consent")
    log_in(pages[0])
    pages[0].wait_for_selector("#consent")
    for page in (*pages[1:3], *pages[4:]):
        page.reload()
        page.wait_for_selector("#consent")
    codes = set()
    for number, page in enumerate(pages):
        answer = told(page, "#consent button[value=allow]")
        assert answer["state"] == f"tab-{number}"
        codes.add(answer["code"])
    assert len(codes) == 15


def test_a_double_click_gets_one_answer(ask: Ask, tabs: BrowserContext) -> None:
    page = tabs.new_page()
    page.goto(ask("double"))
    log_in(page)
    page.wait_for_selector("#consent")
    page.evaluate(
        """async () => {
            const form = document.querySelector("#consent");
            const body = new URLSearchParams(new FormData(form));
            body.set("decision", "allow");
            const send = () => fetch(form.action, {method: "POST", body, redirect: "manual"});
            await Promise.all([send(), send(), send()]);
        }"""
    )
    answer = told(page, "#consent button[value=allow]")
    assert answer["state"] == "double"
    assert "code" in answer


def test_the_way_back_to_the_app_from_the_login_page(ask: Ask, tabs: BrowserContext) -> None:
    page = tabs.new_page()
    page.goto(ask("back"))
    answer = told(page, "text=Back to ")
    assert (answer["error"], answer["state"]) == ("access_denied", "back")


def test_the_home_page_and_an_expired_form_offer_to_continue(ask: Ask, live: Server, tabs: BrowserContext) -> None:
    page = tabs.new_page()
    page.goto(ask("waiting"))
    page.goto(live.url)
    picture(page, "home-before-login")
    page.click("text=Continue to ")
    log_in(page)
    page.wait_for_selector("#consent")
    page.goto(live.url)
    picture(page, "home")
    page.click("text=Continue to ")
    page.wait_for_selector("#consent")
    page.evaluate("document.querySelector('#consent [name=csrfmiddlewaretoken]').value = 'x'.repeat(64)")
    page.click("#consent button[value=allow]")
    page.wait_for_selector("text=This form has expired")
    picture(page, "expired-form")
    page.click("text=Continue to ")
    assert told(page, "#consent button[value=deny]")["error"] == "access_denied"
    page.goto(live.url)
    assert "Continue to" not in page.content()


def test_the_link_is_worth_nothing_in_another_browser(
    ask: Ask, live: Server, tabs: BrowserContext, chromium: Browser
) -> None:
    page = tabs.new_page()
    page.goto(ask("mine"))
    way = parse_qs(urlsplit(page.url).query)["next"][0]
    other = chromium.new_page()
    other.goto(live.url + way)
    assert "it began in another browser" in other.inner_text("main")
    picture(other, "another-browser")
    other.close()
