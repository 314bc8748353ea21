"""A device and its user, for the device authorization grant."""

from urllib.parse import urlencode

from bs4 import BeautifulSoup
from django.test import Client as Browser

from tests.lib.oauth_client import TokenEndpoint

FORM = "application/x-www-form-urlencoded"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def begin(client, scope="openid accounts:read"):
    body = f"client_id={client.client_id}&scope={scope.replace(' ', '+')}"
    return Browser().post("/oauth/device_authorization", body, content_type=FORM)


def poll(client, device_code):
    return TokenEndpoint().post(client, grant_type=GRANT, device_code=device_code)


def type_code(browser, user_code, **fields):
    return browser.post("/oauth/device", urlencode({"user_code": user_code, **fields}), content_type=FORM)


def decide(browser, page, decision="allow"):
    form = BeautifulSoup(page.content, "html.parser").select_one("main form")
    fields = {field["name"]: field["value"] for field in form.select("input[type=hidden], .everything input")}
    return type_code(browser, decision=decision, **fields)
