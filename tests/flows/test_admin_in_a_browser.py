"""An admin registers a client in a real browser, and the page's sample program works."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page

from tests.lib import person
from tests.lib.chromium import log_in, needs_chromium
from tests.lib.servers import Server

pytestmark = needs_chromium


@contextmanager
def opened(live: Server, chromium: Browser, url: str, *, width: int = 1280, **context: object) -> Iterator[Page]:
    """A page of the admin. The test fails if the browser logs an error, such as a breach of the CSP, or sends a request
    to another site.
    """
    one = chromium.new_context(viewport={"width": width, "height": 900}, **context)  # type: ignore[arg-type]
    page = one.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: complaints.append(request.url) if not request.url.startswith(live.url) else None)
    page.goto(f"{live.url}/admin/login/?next={url}")
    log_in(page, "admin@demo.test")
    page.wait_for_url(f"**{url}")
    yield page
    one.close()
    assert not complaints


def run(program: str, secret: str, *, command: tuple[str, ...], returns_to: str = "") -> str:
    with subprocess.Popen(
        [*command, program], env={"CLIENT_SECRET": secret, "PATH": "/usr/bin:/bin"}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout
        answer = ""
        if returns_to:
            url = process.stdout.readline().partition("Open this: ")[2].strip()
            answer = person.answer(url, returns_to=returns_to) + "\n"
        output, errors = process.communicate(answer, timeout=200)
    assert process.returncode == 0, errors + output
    return output


def test_a_service_is_registered_and_its_curl_works(live: Server, chromium: Browser) -> None:
    with opened(live, chromium, "/admin/oauth/client/add/") as page:
        page.click("text=Service without a user")
        page.fill("#id_name", "Reports")
        page.check("input[value='accounts:read']")
        page.click("input[name=_save]")
        secret = page.inner_text("#client-secret")
        page.click("text=show sample programs")
        assert secret not in page.content()
        curl = page.inner_text("[id='service.sh']")
        python = page.inner_text("[id='service.py']")
    assert "Status: 200" in run(curl, secret, command=("sh", "-c"))
    assert "Status: 200" in run(python, secret, command=(sys.executable, "-c"))


def test_a_web_app_is_registered_and_its_authlib_works(live: Server, chromium: Browser) -> None:
    """The form warns of unsafe values while the user types. The test button runs the flow before the app exists."""
    with opened(live, chromium, "/admin/oauth/client/add/") as page:
        page.click("text=Web app with a server")
        page.fill("#id_name", "Household book")
        page.fill("#id_redirect_uris", "http://app.example/callback")
        page.wait_for_selector("#advice:has-text('http is only for a loopback address')")
        page.fill("#id_redirect_uris", "https://household.example/callback")
        page.wait_for_selector("#advice:not(:has-text('http is only for a loopback address'))")
        page.check("input[value='transfers:write']")
        page.wait_for_selector("#advice:has-text('RFC 9700 §2.2.1')")
        page.uncheck("input[value='transfers:write']")
        page.check("input[value='openid']")
        page.check("input[value='accounts:read']")
        page.click("input[name=_save]")
        secret = page.inner_text("#client-secret")
        page.click("text=show sample programs")
        authlib = page.inner_text("[id='app.py']")
        page.click(".breadcrumbs >> text=Household book")
        page.click(".object-tools >> text=Test")
        page.click("text=Run the test")
        assert page.locator(".steps .failed").count() == 0
        assert '"typ": "at+jwt"' in page.inner_text(".steps")
        assert not re.search(r"eyJ[\w-]+\.eyJ", page.content())
    output = run(
        authlib, secret, command=(sys.executable, "-c"), returns_to="https://household.example/callback"
    )  # fmt: skip
    assert "Status: 200" in output


def test_the_add_page_works_without_javascript(live: Server, chromium: Browser) -> None:
    with opened(live, chromium, "/admin/oauth/client/add/", java_script_enabled=False) as page:
        page.click("text=Browser app without a server")
        page.fill("#id_name", "Charts")
        page.fill("#id_redirect_uris", "http://charts.example/callback")
        page.click("input[name=_save]")
        assert "http is only for a loopback address" in page.inner_text("main")
        assert "tokens are in the browser" in page.inner_text("#advice")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_is_wider_than_the_screen(live: Server, chromium: Browser, width: int, scheme: str) -> None:
    """Also, no page breaks the Content-Security-Policy or loads anything from a third party."""
    pages = (
        "/admin/oauth/client/add/?kind=mobile", "/admin/oauth/client/", "/admin/oauth/auditevent/",
        "/admin/oauth/signingkey/", "/admin/oauth/signingkey/replace/ES256/", "/build", "/build/mobile",
    )  # fmt: skip
    with opened(live, chromium, "/admin/", width=width, color_scheme=scheme) as page:
        # The panels are open tasks, failures and first steps, followed by the charts.
        assert page.locator(".panel").count() == 3 + 8
        for url in pages:
            page.goto(f"{live.url}{url}")
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wider <= 0, url


LONG_TRANSACTION = """
from banking import ledger
from banking.models import Account
first, second = Account.objects.filter(kind="customer", currency="GBP", status="open").order_by("id")[:2]
print(ledger.post([(first, -5), (second, 5)], description="X" * 140, kind="transfer").pk)
"""


def test_a_long_description_does_not_widen_the_page_on_a_phone(live: Server, chromium: Browser) -> None:
    pk = live.manage("shell", "--verbosity", "0", "--command", LONG_TRANSACTION).split()[-1]
    with opened(live, chromium, f"/admin/banking/ledgertransaction/{pk}/change/", width=360) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 360
