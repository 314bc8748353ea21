"""A user at a browser. The redirect to the app's redirect URI is only read, so no server has to listen there."""

import os
from contextlib import nullcontext
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from bs4 import BeautifulSoup

EMAIL = "alice@demo.test"
PASSWORD = os.environ.get("DEMO_PASSWORD", "correct-horse-demo")


def let_in(url: str, email: str = EMAIL, browser: requests.Session | None = None) -> None:
    """Opens the address that a device shows, logs in, compares the code and allows."""
    with nullcontext(browser) if browser else requests.Session() as browser:
        response = browser.get(url)
        for _ in range(6):
            form = BeautifulSoup(response.text, "html.parser").select_one("main form")
            if form is None:
                assert "You can go back to the device" in response.text or response.ok, response.text
                return
            fields: dict[str, Any] = {
                str(field["name"]): field.get("value", "") for field in form.select("input[name]")
            }
            if form.select_one("input[type=password]"):
                fields |= {"login": email, "password": PASSWORD}
            elif form.select_one("button[name=decision]"):
                fields["decision"] = "allow"
            response = _submit(browser, response, str(form.get("action") or ""), fields)
    raise AssertionError("The pages redirect in a loop.")


def answer(
    url: str,
    *,
    returns_to: str | tuple[str, ...],
    decision: str = "allow",
    email: str = EMAIL,
    browser: requests.Session | None = None,
) -> str:
    """Logs in and allows or denies with the pages' own forms. Returns the URL that the browser is redirected to."""
    with nullcontext(browser) if browser else requests.Session() as browser:
        response = browser.get(url, allow_redirects=False)
        for _ in range(12):
            if location := response.headers.get("Location"):
                target = urljoin(response.url, location)
                if target.startswith(returns_to):
                    return target
                response = browser.get(target, allow_redirects=False)
                continue
            form = BeautifulSoup(response.text, "html.parser").select_one("main form")
            assert form is not None, response.text
            fields: dict[str, Any] = {
                str(field["name"]): field.get("value", "") for field in form.select("input[type=hidden]")
            }
            for field in form.select("input[checked]"):
                fields.setdefault(str(field["name"]), []).append(field["value"])
            if form.select_one("input[type=password]"):
                fields |= {"login": email, "password": PASSWORD}
            else:
                fields["decision"] = decision
            response = _submit(browser, response, str(form.get("action") or ""), fields, allow_redirects=False)
    raise AssertionError("The pages redirect in a loop.")


def log_out(browser: requests.Session, site: str) -> None:
    """Presses the site's own logout button."""
    page = browser.get(f"{site}/accounts/logout/")
    form = BeautifulSoup(page.text, "html.parser").select_one("main form")
    assert form is not None, page.text
    fields = {str(field["name"]): field.get("value", "") for field in form.select("input[type=hidden]")}
    assert _submit(browser, page, str(form.get("action") or ""), fields).ok


def _submit(
    browser: requests.Session, page: requests.Response, action: str, fields: dict[str, Any], **options: Any
) -> requests.Response:
    """Sends the Referer header as browsers do, because Django requires it over TLS."""
    parts = urlsplit(page.url)
    origin = {"Origin": f"{parts.scheme}://{parts.netloc}"}
    return browser.post(urljoin(page.url, action), data=fields, headers=origin, **options)
