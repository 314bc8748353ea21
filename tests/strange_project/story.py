"""Run in its own process: migrate, log in, allow, redeem, and ask every reader of users; prints the answers."""

import gc
import json
from datetime import timedelta

import django
from django.core.management import call_command

gc.disable()  # migrating creates many objects and discards few
django.setup()
call_command("migrate", verbosity=0)

import time_machine  # noqa: E402
from bs4 import BeautifulSoup  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.test import Client as Browser  # noqa: E402
from django.utils import timezone  # noqa: E402

from oauth.clients import changes, preset  # noqa: E402
from oauth.models import Client  # noqa: E402
from tests.lib.oauth_client import TokenEndpoint, allow, authorization_url, callback  # noqa: E402

KEY, PASSWORD = "dora_23.o'hara@shop.example", "correct-horse-battery"
user = get_user_model().objects.create_user(KEY, PASSWORD, name="Dora", phone="+41 44 1", is_superuser=True)
app = Client(
    **preset("web"), name="Orders app", redirect_uris="https://app.example/callback",
    allowed_scopes=["openid", "profile", "orders:read"],
)  # fmt: skip
app.secret = app.issue_secret()
app.full_clean()
app.save()
browser, token_endpoint, stranger = Browser(), TokenEndpoint(), Browser(raise_request_exception=False)
browser.post("/login/", {"username": KEY, "password": PASSWORD})


def tokens(**more):
    return token_endpoint.redeem(app, allow(browser, app, scope="openid profile orders:read", **more)).json()


def get(path, token=""):
    answer = stranger.get(path, headers={"Authorization": f"Bearer {token}"} if token else {})
    is_json = answer.headers.get("Content-Type", "") == "application/json"
    return [answer.status_code, answer.json()] if is_json else answer.status_code


def links_to_members():
    pages = "/admin/oauth/authorization/", "/admin/oauth/auditevent/"
    found = [
        BeautifulSoup(browser.get(page).content, "html.parser").select("#result_list a[href*=member]") for page in pages
    ]
    return [links[0]["href"] for links in found]


def freshness_of_an_old_login():
    """Whether the first browser may answer `max_age` after a login in another browser."""
    with time_machine.travel(timezone.now() + timedelta(minutes=9)):
        Browser().post("/login/", {"username": KEY, "password": PASSWORD})
        asked = browser.get(authorization_url(app, scope="openid orders:read", max_age="60", prompt="none"))
        return callback(asked).get("error")


first = tokens()
refreshed = token_endpoint.refresh(app, first["refresh_token"])
told = [address for address, _ in changes._recipients(app, [])]
answers = {
    "jwks": get("/oauth/jwks"),
    "status list": get("/oauth/status/0"),
    "api": get("/v1/orders", first["access_token"]),
    "plain api": get("/v1/plain-orders", first["access_token"]),
    "userinfo": get("/oauth/userinfo", first["access_token"]),
    "refreshed": refreshed.status_code,
    "again without asking": "access_token" in tokens(prompt="none"),
    "an old login": freshness_of_an_old_login(),
    "admin": [browser.get(link).status_code for link in links_to_members()],
    "page without a login": get("/oauth/apps"),
    "told about changes": told,
}
get_user_model().objects.update(blocked_at=timezone.now())
answers["refreshed when blocked"] = token_endpoint.refresh(app, refreshed.json()["refresh_token"]).status_code
answers["userinfo when blocked"] = get("/oauth/userinfo", first["access_token"])[0]
print(json.dumps(answers))  # noqa: T201
