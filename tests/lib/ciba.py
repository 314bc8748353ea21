"""A client and a user of CIBA."""

import base64
from urllib.parse import urlencode

from bs4 import BeautifulSoup
from django.test import Client as Browser

FORM = "application/x-www-form-urlencoded"
GRANT = "urn:openid:params:grant-type:ciba"


def ask(client, **parameters):
    given = {
        "scope": "openid accounts:read",
        "login_hint": "alice@example.test",
        "binding_message": "W4SCT",
        **parameters,
    }
    body = urlencode({name: value for name, value in given.items() if value is not None})
    basic = base64.b64encode(f"{client.client_id}:{client.secret}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    return Browser().post("/oauth/backchannel_authentication", body, content_type=FORM, headers=headers)


def poll(token_endpoint, client, auth_req_id):
    return token_endpoint.post(client, grant_type=GRANT, auth_req_id=auth_req_id)


def decide(browser, decision="allow", request_id=None, **fields):
    if request_id is None:
        form = BeautifulSoup(browser.get("/oauth/requests").content, "html.parser").select_one("main form")
        request_id = form.select_one("[name=request]")["value"]
    form = {"request": request_id, "choice-0": "all", "decision": decision, **fields}
    return browser.post("/oauth/requests", urlencode(form), content_type=FORM)
