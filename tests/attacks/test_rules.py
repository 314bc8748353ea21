"""Rules of ASVS 5.0 V10 and RFC 9700 §4 that belong to no single module, each by its number.

The others are tried beside the module that keeps them; docs/security.md says where.
"""

import json
import logging
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pytest
import requests
from django.test import Client as Browser
from django.urls import get_resolver
from django.utils import timezone

from banking.api.openapi.document import APIDocs, OpenAPIDocument
from banking.api.views import NotHere
from demo.management.commands import demo_app
from demo.native_app import NativeApp, ProtocolError
from oauth import keys
from oauth.authorization import backchannel_logout
from oauth.conf import conf
from oauth.models import Authorization, Scope
from oauth.resource_server import JWTBearer
from tests.banking.conftest import funded
from tests.conftest import ALL_SCOPES, make_user
from tests.oauth.test_dpop import proof
from tests.oauth_client import VERIFIER, allow, authorization_url, callback, decide, decoded

pytestmark = pytest.mark.django_db


# --- tokens are seen by nobody but their client


def test_asvs_10_1_1_no_token_in_a_page_an_address_a_log_or_the_admin(browser, alice, web_app, token_endpoint, caplog):
    """And RFC 9700 §4.3, §4.9: codes and tokens stay out of what is kept."""
    caplog.set_level(logging.DEBUG)
    consent = browser.get(authorization_url(web_app, scope="openid accounts:read"))
    answer = decide(browser, consent)
    code = callback(answer)["code"]
    tokens = token_endpoint.redeem(web_app, code).json()
    token_endpoint.redeem(web_app, code)
    token_endpoint.refresh(web_app, tokens["refresh_token"] + "x")
    secrets = [code, web_app.secret, *(tokens[name] for name in ("access_token", "refresh_token", "id_token"))]
    alice.is_staff = alice.is_superuser = True
    alice.save()
    pages = [consent.content, browser.get("/oauth/apps").content, token_endpoint.redeem(web_app, code).content]
    models = ("authorization", "auditevent", "client", "signingkey")
    pages.extend(browser.get(f"/admin/oauth/{model}/").content for model in models)
    pages.append(browser.get(f"/admin/oauth/authorization/{Authorization.objects.get().pk}/change/").content)
    assert all(page for page in pages)
    kept = b"".join(pages).decode() + caplog.text + repr([record.__dict__ for record in caplog.records])
    for secret in secrets:
        assert secret not in kept


@pytest.mark.parametrize(
    "response_type", ["token", "id_token", "code token", "code id_token", "id_token token", "none"]
)
def test_asvs_10_6_1_and_rfc_9700_4_6_no_token_from_the_front_channel(browser, mobile_app, client, response_type):
    answer = callback(browser.get(authorization_url(mobile_app, response_type=response_type)))
    assert answer["error"] == "unsupported_response_type"
    assert client.get("/.well-known/openid-configuration").json()["response_types_supported"] == ["code"]


@pytest.mark.parametrize(
    "path", ["/oauth/authorize", "/oauth/register", "/oauth/introspect", "/oauth/par", "/accounts/login/"]
)
def test_rfc_9700_2_6_no_other_origin_reads_pages_and_back_channels(client, signing_keys, path):
    answer = client.get(path, headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer


# --- the client's side, in our sample client


class Server:
    """Answers the sample app as a live server would, but for what a test changes."""

    def __init__(self, app, **answer):
        self.app, self.answer = app, answer

    def __call__(self, url):
        query = dict(parse_qsl(urlsplit(url).query))
        answer = {"code": "a-code", "state": query["state"], "iss": "https://login.example", **self.answer}
        given = {name: value for name, value in answer.items() if value is not None}
        requests.get(f"{query['redirect_uri']}?{urlencode(given)}", timeout=5)


@pytest.fixture
def sample_app():
    app = NativeApp(api="https://api.example/v1", client_id="app", scope="accounts:read")
    app._metadata = {
        "issuer": "https://login.example",
        "authorization_endpoint": "https://login.example/oauth/authorize",
        "token_endpoint": "http://127.0.0.1:9/token",
    }
    return app


@pytest.mark.parametrize(
    "swapped",
    [{"state": "of-another-browser"}, {"state": None}, {"iss": "https://evil.example"}, {"iss": None}],
)
def test_asvs_10_1_2_10_2_1_10_2_2_an_answer_to_another_question_is_refused(sample_app, swapped):
    """Cross-site request forgery and mix-up (RFC 9700 §4.4, §4.7): nothing is redeemed."""
    with pytest.raises(ProtocolError, match="not to our question"):
        sample_app.authorize(Server(sample_app, **swapped))


def test_asvs_10_2_3_the_sample_client_asks_for_what_it_uses():
    used = {"openid", "offline_access", "accounts:read", "balances:read", "transfers:read", "transfers:write"}
    assert set(demo_app.SCOPE.split()) == used


# --- the resource server's side


def test_asvs_10_3_1_and_10_3_2_every_view_of_the_api_verifies_audience_and_scope(signing_keys):
    """Generated from the URLconf: an endpoint that took anything else would be found here."""
    views = [
        view for pattern in _patterns(get_resolver()) if (view := getattr(pattern.callback, "cls", None)) is not None
    ]
    assert len(views) >= 6
    # One answers 404 to everybody, two tell everybody what the API is.
    for view in set(views) - {NotHere, OpenAPIDocument, APIDocs}:
        assert view.authentication_classes == [JWTBearer], view
        assert view.required_scopes is not None


def _patterns(resolver):
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _patterns(pattern)
        else:
            yield pattern


def test_asvs_10_3_3_a_person_who_comes_back_is_another_person(alice, access_token, api):
    """`sub` is never given twice: the token of a deleted person opens nothing of who has the name now."""
    token = access_token(alice, "accounts:read balances:read")
    email = alice.email
    alice.delete()
    again = make_user(email, "Another Alice")
    account = funded(again, "Current account")
    assert api(token).get(f"/api/v1/accounts/{account.pk}").status_code in (401, 404)
    assert account.name not in api(token).get("/api/v1/accounts").content.decode()


def test_asvs_10_3_4_moving_much_money_needs_a_fresh_log_in(alice, access_token, api, settings):
    """RFC 9470 §3: 401, and the challenge says what would do."""
    settings.STEP_UP_AMOUNT_MINOR = 500_000
    source, destination = funded(alice, "Current", amount_minor=1_000_000), funded(alice, "Savings", amount_minor=0)

    def transfer(auth_time, amount_minor):
        body = {
            "source_account_id": str(source.pk), "destination": {"account_id": str(destination.pk)},
            "amount": {"currency": "GBP", "minor_units": amount_minor}, "reference": "House",
        }  # fmt: skip
        caller = api(access_token(alice, "transfers:write", auth_time=auth_time))
        headers = {"Idempotency-Key": f"0123456789abcdef-{amount_minor}"}
        return caller.post("/api/v1/transfers", json.dumps(body), content_type="application/json", headers=headers)

    long_ago = timezone.now() - timedelta(hours=2)
    for auth_time in (long_ago, None):
        refused = transfer(auth_time, 600_000)
        assert (refused.status_code, refused.json()["code"]) == (401, "insufficient_user_authentication")
        assert 'error="insufficient_user_authentication"' in refused["WWW-Authenticate"]
        assert 'max_age="600"' in refused["WWW-Authenticate"]
    assert transfer(long_ago, 1_000).status_code == 201  # little money needs no more than the token
    assert transfer(timezone.now(), 600_000).status_code == 201


def test_asvs_10_3_5_and_rfc_9700_4_10_a_stolen_bound_token_is_worth_nothing(browser, mobile_app, token_endpoint):
    code = allow(browser, mobile_app)
    token = token_endpoint.redeem(mobile_app, code, headers={"DPoP": proof()}).json()["access_token"]
    for scheme in ("Bearer", "DPoP"):
        assert Browser().get("/api/v1/accounts", headers={"Authorization": f"{scheme} {token}"}).status_code == 401


# --- the authorization server's side


def test_asvs_10_4_2_and_rfc_9700_4_5_a_code_is_worth_nothing_in_another_transaction(
    browser, mobile_app, token_endpoint
):
    code = allow(browser, mobile_app)
    other = VERIFIER[::-1]
    assert token_endpoint.redeem(mobile_app, code, code_verifier=other).json()["error"] == "invalid_grant"


def test_rfc_9700_4_8_pkce_is_not_talked_away(browser, mobile_app, web_app, token_endpoint):
    """Neither from the request, by which the verifier would count for nothing, nor from the token request."""
    for client in (mobile_app, web_app):
        stripped = authorization_url(client, code_challenge=None, code_challenge_method=None)
        assert callback(browser.get(stripped))["error"] == "invalid_request"
        code = allow(browser, client)
        without = {"grant_type": "authorization_code", "code": code, "redirect_uri": "https://app.example/callback"}
        assert token_endpoint.post(client, **without).json()["error"] == "invalid_request"


def test_asvs_10_4_11_no_grant_gives_a_scope_beyond_the_clients(browser, web_app, service, token_endpoint):
    """authentik CVE-2024-52287: at every grant alike."""
    web_app.grant_types = [
        "authorization_code", "refresh_token", "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange",
    ]  # fmt: skip
    web_app.allowed_scopes = ["accounts:read", "offline_access"]
    web_app.save()
    tokens = token_endpoint.redeem(web_app, allow(browser, web_app)).json()
    beyond = "transfers:write"
    assert callback(browser.get(authorization_url(web_app, scope=beyond)))["error"] == "invalid_scope"
    exchange = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": tokens["access_token"], "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
    }  # fmt: skip
    for form in (
        {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]},
        {"grant_type": "client_credentials"},
        exchange,
    ):
        answer = token_endpoint.post(web_app, scope=beyond, **form)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope"), form


def test_asvs_10_5_an_id_token_and_a_logout_token_are_told_apart(issued, web_app, alice):
    """10.5.1 to 10.5.5: nonce, sub, issuer, audience, and the form of the logout token."""
    id_token = issued(web_app, scope="openid", nonce="n-1")["id_token"]
    claims = decoded(id_token)
    assert (claims["nonce"], claims["sub"], claims["iss"]) == ("n-1", str(alice.pk), conf.ISSUER)
    assert claims["aud"] == web_app.client_id
    logout_token = backchannel_logout.logout_token(web_app, user_id=str(alice.pk), sid=claims["sid"])
    assert jwt.get_unverified_header(logout_token)["typ"] == "logout+jwt"
    assert jwt.get_unverified_header(id_token)["typ"] == "JWT"
    assert "nonce" not in decoded(logout_token)
    assert "events" not in claims
    assert {key["alg"] for key in keys.published_jwks()["keys"]}.isdisjoint({"none", "HS256"})


def test_asvs_10_7_2_the_consent_page_shows_all_that_is_enforced(browser, alice, web_app):
    web_app.name = "<b>Bold</b> app"
    web_app.save()
    page = browser.get(authorization_url(web_app, scope=" ".join(ALL_SCOPES))).content.decode()
    for scope in Scope.objects.filter(name__in=ALL_SCOPES):
        assert scope.sentence in page
    assert "&lt;b&gt;Bold&lt;/b&gt; app" in page
    assert "<b>Bold</b>" not in page
    assert "Until" in page
    assert alice.email in page


def test_asvs_10_7_3_and_10_4_9_what_was_taken_back_is_over(browser, web_app, issued, token_endpoint, api):
    tokens = issued(web_app, scope="accounts:read transfers:write")
    assert web_app.name.encode() in browser.get("/oauth/apps").content
    body = urlencode({"client_id": web_app.client_id})
    browser.post("/oauth/apps", body, content_type="application/x-www-form-urlencoded")
    assert token_endpoint.refresh(web_app, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert web_app.name.encode() not in browser.get("/oauth/apps").content
