"""The requests of a client: its authentication, its proof of possession, and its form. Each returns Django's
response.
"""

import base64
import html
import re
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.test import Client
from django.test.client import ClientHandler

from oauth.conf import conf
from tests.lib.client_keys import ClientKey, by
from tests.lib.dpop import proof
from tests.model.world import App

FORM = "application/x-www-form-urlencoded"
#: The keys that clients prove; the empty name is not proof.
KEYS = {"blue": ClientKey(kid=None), "red": ClientKey(kid=None)}
#: One handler for all, because each new one would load the middleware again, including static files.
_HANDLER = ClientHandler(enforce_csrf_checks=False)
_FORM = re.compile(r"<form\b.*?</form>", re.DOTALL)
_INPUT = re.compile(r"<input\b[^>]*>")
_BUTTON = re.compile(r'<a class="button[^>]*href="([^"]*)"')
_ATTRIBUTE = re.compile(r'([a-z-]+)(?:="([^"]*)")?')


class Browser(Client):
    def __init__(self, cookies: SimpleCookie | None = None) -> None:
        super().__init__()
        self.handler = _HANDLER
        for name, morsel in (cookies or {}).items():
            self.cookies[name] = morsel.value


def post(app: App, path: str, form: Any, *, key: str = "", authenticates: bool = True) -> Any:
    """Posts as this client, with a DPoP proof of `key`, if there is one. `form` is a dict or a list of pairs."""
    fields = list(form.items() if isinstance(form, dict) else form)
    headers = {}
    if not authenticates or app.is_public:
        fields.append(("client_id", app.client_id))
    elif app.key is not None:
        fields.extend(by(app.key.assertion(app.client_id)).items())
    else:
        headers["Authorization"] = "Basic " + base64.b64encode(f"{app.client_id}:{app.secret}".encode()).decode()
    if key:
        headers["DPoP"] = proof(KEYS[key], url=f"{conf.ISSUER}{path}")
    return Browser().post(path, urlencode(fields), content_type=FORM, headers=headers)


def call(token: str, method: str, path: str, *, key: str = "", body: Any = None, **headers: str) -> Any:
    """Sends a request with an access token."""
    headers["Authorization"] = f"{'DPoP' if key else 'Bearer'} {token}"
    if key:
        url = f"{conf.ISSUER}{path.partition('?')[0]}"
        headers["DPoP"] = proof(KEYS[key], url=url, method=method, token=token)
    browser = Browser()
    if body is None:
        return getattr(browser, method.lower())(path, headers=headers)
    return getattr(browser, method.lower())(path, body, content_type="application/json", headers=headers)


def inputs(page: Any, having: str = "") -> list[tuple[str, str, str, bool]]:
    """Returns (type, name, value, whether it is ticked) for the last form in the main part of the page that has such a
    field.
    """
    _, _, main = page.content.decode().partition("<main")
    forms = [form for form in _FORM.findall(main) if f'name="{having}' in form]
    found = []
    for tag in _INPUT.findall(forms[-1] if forms else ""):
        given = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(tag.removeprefix("<input"))}
        if "name" in given:
            found.append((given.get("type", "text"), given["name"], given.get("value", ""), "checked" in given))
    return found


def link(page: Any) -> str:
    """The target of the last link in the page's main part that looks like a button."""
    _, _, main = page.content.decode().partition("<main")
    found = _BUTTON.findall(main.partition("</main>")[0])
    return html.unescape(found[-1]) if found else ""


def returned(answer: Any) -> dict[str, str]:
    """The parameters that a client receives at its redirect URI."""
    query = parse_qs(urlsplit(answer["Location"]).query)
    return {name: values[0] for name, values in query.items()}
