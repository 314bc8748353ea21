"""Defects of other servers and libraries, tried on this server.

Those that concern a single module are tested beside that module. The numbers are those of the public advisories.
"""

from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest
import time_machine
from django.test import Client as Browser
from django.utils import timezone

from oauth.models import Authorization, Session
from oauth.models.client import GrantType
from tests.lib.dpop import proof
from tests.lib.oauth_client import PASSWORD, allow, authorization_url, decide, decoded
from tests.lib.par import push
from tests.lib.registered import make_client

pytestmark = pytest.mark.django_db

EXCHANGE = "urn:ietf:params:oauth:token-type:access_token"


@pytest.mark.parametrize(
    "uri",
    ["https://[" + "[" * 20_000, "https://" + "a." * 10_000, "https://[::" + "1:" * 10_000 + "]/", "https://" + "%5B" * 5_000],
    ids=["brackets", "labels", "IPv6", "encoded"],
)  # fmt: skip
def test_oauthlib_cve_2022_36087_a_redirect_uri_does_not_stall_the_server(browser, mobile_app, uri):
    answer = browser.get(authorization_url(mobile_app, redirect_uri=uri))
    assert answer.status_code in (400, 414)
    assert "Location" not in answer


def test_golang_jwt_cve_2024_51744_an_expired_and_forged_token_is_forged(api, access_token, alice):
    """A wrong time must never hide a wrong signature."""
    token = access_token(alice)
    head, payload, signature = token.split(".")
    forged = f"{head}.{payload}.{signature[::-1]}"
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        assert "expired" in api(token).get("/api/v1/accounts")["WWW-Authenticate"]
        assert "expired" not in api(forged).get("/api/v1/accounts")["WWW-Authenticate"]


def test_keycloak_cve_2022_3916_a_shared_browser_mixes_nobody_up(browser, alice, bob, web_app, token_endpoint):
    """Alice logs out and Bob logs in: no token for Alice is issued in his session, and her session has ended."""
    allow(browser, web_app)
    browser.post("/accounts/logout/")
    browser.post("/accounts/login/", {"login": bob.email, "password": PASSWORD})
    page = browser.get(authorization_url(web_app))
    assert page.status_code == 200  # her consent is not his
    assert bob.email.encode() in page.content
    code = decide(browser, page)["Location"].partition("code=")[2].partition("&")[0]
    claims = decoded(token_endpoint.redeem(web_app, code).json()["access_token"])
    assert claims["sub"] == str(bob.pk)
    assert Session.objects.get(pk=claims["sid"]).user == bob
    assert Session.objects.exclude(pk=claims["sid"]).get().ended_at is not None


def test_keycloak_48428_50963_no_unbound_token_comes_of_an_exchange(issued, mobile_app, token_endpoint):
    """A client that registered for sender-constrained tokens gets no other tokens, by any grant."""
    client = make_client(
        "service", allowed_scopes=["accounts:read"], grant_types=[GrantType.TOKEN_EXCHANGE.value, "client_credentials"],
        dpop_bound_access_tokens=True,
    )  # fmt: skip
    client.secret = client.issue_secret()
    client.save()
    client.exchange_from.add(mobile_app)
    form = {"subject_token": issued(mobile_app)["access_token"], "subject_token_type": EXCHANGE}
    for grant, given in ((GrantType.TOKEN_EXCHANGE.value, form), ("client_credentials", {})):
        assert token_endpoint.post(client, grant_type=grant, **given).json()["error"] == "invalid_dpop_proof"
        bound = token_endpoint.post(client, grant_type=grant, headers={"DPoP": proof()}, **given).json()
        assert decoded(bound["access_token"])["cnf"]["jkt"]


@pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/logout", "/oauth/device", "/accounts/login/"])
def test_hydra_cve_2019_8400_no_parameter_becomes_a_script(browser, path):
    script = '"><script>alert(1)</script>'
    names = ["client_id", "redirect_uri", "state", "scope", "error", "error_description", "error_hint", "user_code", "next",
             "response_mode", "response_type", "post_logout_redirect_uri", "id_token_hint", "login_hint"]  # fmt: skip
    for name in names:
        answer = browser.get(f"{path}?{name}={quote(script)}", follow=True)
        assert b"<script>alert" not in answer.content, name


def test_dot_746_a_refresh_token_ends_without_any_cleanup(issued, mobile_app, token_endpoint):
    token = issued(mobile_app, scope="accounts:read offline_access")["refresh_token"]
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        assert token_endpoint.refresh(mobile_app, token).json()["error"] == "invalid_grant"


def test_dot_1510_taking_back_ends_what_refreshes_too(browser, mobile_app, issued, token_endpoint):
    tokens = issued(mobile_app)
    body = urlencode({"client_id": mobile_app.client_id})
    browser.post("/oauth/apps", body, content_type="application/x-www-form-urlencoded")
    assert token_endpoint.refresh(mobile_app, tokens["refresh_token"]).status_code == 400
    assert not Authorization.objects.live().exists()


def test_authentik_cve_2025_64521_a_disabled_service_gets_nothing(service, token_endpoint):
    service.is_active = False
    service.save()
    assert token_endpoint.post(service, grant_type="client_credentials").status_code == 401


def test_keycloak_cve_2024_4540_the_browser_carries_no_pushed_parameter(mobile_app, signing_keys):
    """Neither the URL nor a cookie holds a parameter of the request, only its `request_uri`."""
    browser = Browser()
    request_uri = push(mobile_app, login_hint="alice@example.test").json()["request_uri"]
    query = urlencode({"client_id": mobile_app.client_id, "request_uri": request_uri})
    answer = browser.get(f"/oauth/authorize?{query}")
    carried = answer["Location"] + "".join(morsel.value for morsel in browser.cookies.values())
    for secret in ("alice", "the-state", "accounts:read"):
        assert secret not in carried
