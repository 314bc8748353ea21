"""An OAuth client for tests: PKCE, the consent form, the token endpoint. It reads pages as a browser does."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from bs4 import BeautifulSoup
from django.test import Client as Browser

from oauth.models import Client

PASSWORD = "correct-horse-battery"
VERIFIER = "a-code-verifier-of-forty-three-characters-or-more"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def authorization_url(client: Client, **parameters: str | None) -> str:
    """The URL of a valid authorization request. A parameter that is None is left out."""
    given = {
        "client_id": client.client_id,
        "redirect_uri": "https://app.example/callback",
        "response_type": "code",
        "scope": "accounts:read",
        "state": "the-state",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **parameters,
    }
    return "/oauth/authorize?" + urlencode({name: value for name, value in given.items() if value is not None})


def form_fields(html: bytes) -> dict[str, str]:
    """The hidden fields of the form in the page's main part."""
    return _hidden(BeautifulSoup(html, "html.parser"))


def _hidden(page: BeautifulSoup) -> dict[str, str]:
    form = page.select_one("main form")
    assert form is not None, page
    return {field["name"]: field["value"] for field in form.select("input[type=hidden]")}  # type: ignore[misc]


def decide(browser: Browser, page: Any, decision: str = "allow") -> Any:
    """Presses a button of the consent page, with the checkboxes as they are. Shares all accounts if the page asks for
    them.
    """
    seen = BeautifulSoup(page.content, "html.parser")
    ticked = seen.select("main form input[checked], .everything input")
    fields = [*_hidden(seen).items(), *((one["name"], one["value"]) for one in ticked)]
    body = urlencode([*fields, ("decision", decision)])
    return browser.post("/oauth/authorize", body, content_type="application/x-www-form-urlencoded")


def callback(answer: Any) -> dict[str, str]:
    """The parameters that the client receives at its redirect URI."""
    assert answer.status_code == 303, answer.content
    return {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}


def allow(browser: Browser, client: Client, **parameters: str | None) -> str:
    """The code that the client gets. The user allows the request on the consent page, if it is shown."""
    answer = browser.get(authorization_url(client, **parameters))
    if answer.status_code == 200:
        answer = decide(browser, answer)
    return callback(answer)["code"]


def decoded(token: str) -> dict[str, Any]:
    """The payload of a JWT, unverified."""
    payload: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return payload


class TokenEndpoint:
    """POST /oauth/token, with the client authentication of different clients."""

    def post(self, client: Client | None = None, *, headers: dict[str, str] | None = None, **form: str) -> Any:
        headers = dict(headers or {})
        secret = getattr(client, "secret", None)
        if client is not None and secret:
            credentials = base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
            headers.setdefault("Authorization", f"Basic {credentials}")
        elif client is not None:
            form = {"client_id": client.client_id, **form}
        return self.send(urlencode(form), headers=headers)

    def send(self, body: str | bytes, headers: dict[str, str] | None = None, *, endpoint: str = "/oauth/token") -> Any:
        browser = Browser(raise_request_exception=False)
        return browser.post(endpoint, body, content_type="application/x-www-form-urlencoded", headers=headers or {})

    def redeem(self, client: Client, code: str, **form: str) -> Any:
        given = {"redirect_uri": "https://app.example/callback", "code_verifier": VERIFIER, **form}
        return self.post(client, grant_type="authorization_code", code=code, **given)

    def refresh(self, client: Client, refresh_token: str, **form: str) -> Any:
        return self.post(client, grant_type="refresh_token", refresh_token=refresh_token, **form)
