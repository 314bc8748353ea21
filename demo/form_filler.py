"""Acts as a user with a browser: logs in and allows, with the pages' own forms. For terminals and tests."""

from urllib.parse import urljoin

import requests
from bs4 import BeautifulSoup, Tag

MAX_PAGES = 10
TIMEOUT_SECONDS = 10


class StuckError(Exception):
    """A page that cannot be filled in. The message is the text of the page."""


def visit(url: str, *, email: str, password: str) -> requests.Response:
    """Opens `url` as this user, and fills in forms until a page has none. Returns that page. Raises StuckError."""
    with requests.Session() as browser:
        page = browser.get(url, timeout=TIMEOUT_SECONDS)
        has_logged_in = False
        for _ in range(MAX_PAGES):
            form = _question(page)
            if form is None:
                return page
            answer = _given(form)
            if form.select_one("input[type=password]"):
                if has_logged_in:
                    raise StuckError(f"The login page does not accept this: {_text(page, '.errorlist')}")
                has_logged_in = True
                answer |= {"login": [email], "password": [password]}
            else:
                answer["decision"] = ["allow"]
            page = browser.post(urljoin(page.url, str(form.get("action") or "")), data=answer, timeout=TIMEOUT_SECONDS)
    raise StuckError("The pages redirect in a loop.")


def _question(page: requests.Response) -> Tag | None:
    """The login or consent form of the page; None if it has neither."""
    if not page.ok:
        raise StuckError(f"{page.status_code}: {_text(page, 'main')}")
    for form in _parse(page).select("form"):
        if form.select_one("input[type=password], button[name=decision][value=allow]"):
            return form
    return None


def _given(form: Tag) -> dict[str, list[str]]:
    """The values that the form sends without user input: hidden fields, such as the CSRF token, and ticked
    checkboxes.
    """
    given: dict[str, list[str]] = {}
    for field in form.select("input[type=hidden][name], input[checked][name]"):
        given.setdefault(str(field["name"]), []).append(str(field.get("value", "")))
    return given


def _text(page: requests.Response, selector: str) -> str:
    found = _parse(page).select_one(selector)
    return found.get_text(" ", strip=True) if found else "the page does not say why"


def _parse(page: requests.Response) -> BeautifulSoup:
    return BeautifulSoup(page.text, "html.parser")
