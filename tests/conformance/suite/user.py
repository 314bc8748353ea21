"""A user for modules without the suite's browser: one who answers back-channel requests, or one who logs in through the
suite.
"""

from urllib.parse import urljoin

import requests
from bs4 import BeautifulSoup, Tag

from demo.management.commands.demo_seed import DEFAULT_PASSWORD
from tests.conformance.suite.browser import EMAIL


class User:
    """A browser without scripts. `authority` is the file that verifies both servers."""

    def __init__(self, issuer: str, authority: str) -> None:
        self.issuer = issuer
        self.http = requests.Session()
        self.http.trust_env = False  # no other authorities, no proxy
        self.http.verify = authority

    def decide(self, action: str) -> None:
        """Answers the newest open back-channel request. Raises RuntimeError if there is none."""
        page = self.http.get(f"{self.issuer}/oauth/requests", timeout=30)
        if "/accounts/" in page.url:
            page = self._submit(page, "form#password", {"login": EMAIL, "password": DEFAULT_PASSWORD})
        forms = BeautifulSoup(page.text, "html.parser").select("main form:has([name=request])")
        if not forms:
            raise RuntimeError(f"No request waits on {page.url}.")
        self._send(page, forms[-1], {"decision": action}).raise_for_status()

    def log_in_through(self, provider_id: str) -> str:
        """Logs in through the provider. Returns the heading of the page on which the user arrives."""
        self.http.cookies.clear()  # not the user of an earlier login
        page = self._sent_to(provider_id)
        if page.is_redirect:
            page = self.http.get(page.headers["Location"], timeout=30)
        heading = BeautifulSoup(page.text, "html.parser").select_one("h1")
        return heading.get_text(" ", strip=True) if heading else page.url

    def choose(self, provider_id: str) -> str:
        """Asks to log in through the provider, but does not go there. Returns the URL to which the site redirects."""
        return self._sent_to(provider_id).headers["Location"].partition("?")[0]

    def _sent_to(self, provider_id: str) -> requests.Response:
        page = self.http.get(f"{self.issuer}/accounts/oidc/{provider_id}/login/?process=login", timeout=30)
        return self._submit(page, "main form", {}, allow_redirects=False)

    def _submit(
        self, page: requests.Response, selector: str, values: dict[str, str], *, allow_redirects: bool = True
    ) -> requests.Response:
        form = BeautifulSoup(page.text, "html.parser").select_one(selector)
        if form is None:
            raise RuntimeError(f"{page.url} has no {selector}.")
        return self._send(page, form, values, allow_redirects=allow_redirects)

    def _send(
        self, page: requests.Response, form: Tag, values: dict[str, str], *, allow_redirects: bool = True
    ) -> requests.Response:
        given = [
            (str(one["name"]), str(one.get("value", "on")))
            for one in form.select("input[type=hidden][name], input[checked][name]")
        ]
        return self.http.post(
            urljoin(page.url, str(form.get("action") or "")),
            data=[*given, *values.items()],
            headers={"Referer": page.url},
            allow_redirects=allow_redirects,
            timeout=30,
        )
