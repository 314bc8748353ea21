"""Rules of ASVS 5.0 V10 and RFC 9700 §4 that concern more than one module, each by its number.

The other rules are tested beside the module that enforces them; docs/security.md lists these tests.
"""

import io
import json
import logging
import re
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

import jwt
import pytest
import requests
from django.test import Client as Browser
from django.urls import get_resolver, resolve
from django.utils import timezone
from django.utils.formats import date_format
from pythonjsonlogger.json import JsonFormatter

from banking.api.openapi.document import APIDocs, OpenAPIDocument
from banking.api.views import NotHere
from demo.management.commands import demo_app
from demo.native_app import NativeApp, ProtocolError
from oauth import keys
from oauth.conf import conf
from oauth.models import Authorization, Scope
from oauth.sessions import backchannel_logout
from tests.lib.client_keys import ClientKey
from tests.lib.dpop import proof
from tests.lib.ledger import funded
from tests.lib.oauth_client import VERIFIER, allow, authorization_url, callback, decide, decoded
from tests.lib.registered import ALL_SCOPES, make_user

pytestmark = pytest.mark.django_db


# --- tokens are seen by nobody but their client


def test_asvs_10_1_1_no_token_in_a_page_an_address_a_log_or_the_admin(browser, alice, web_app, token_endpoint, caplog):
    """And RFC 9700 §4.3, §4.9: codes and tokens are not stored in logs, history or URLs."""
    caplog.set_level(logging.DEBUG)
    consent = browser.get(authorization_url(web_app, scope="openid accounts:read"))
    answer = decide(browser, consent)
    code = callback(answer)["code"]
    tokens = token_endpoint.redeem(web_app, code).json()
    token_endpoint.redeem(web_app, code)
    token_endpoint.refresh(web_app, tokens["refresh_token"] + "x")
    Browser().get(f"/nowhere?code={code}&access_token={tokens['access_token']}")
    Browser().get(authorization_url(web_app, client_id="unknown", code=code))
    secrets = [code, web_app.secret, *(tokens[name] for name in ("access_token", "refresh_token", "id_token"))]
    alice.is_staff = alice.is_superuser = True
    alice.save()
    pages = [consent.content, browser.get("/oauth/apps").content, token_endpoint.redeem(web_app, code).content]
    models = ("authorization", "auditevent", "client", "signingkey")
    pages.extend(browser.get(f"/admin/oauth/{model}/").content for model in models)
    pages.append(browser.get(f"/admin/oauth/authorization/{Authorization.objects.get().pk}/change/").content)
    assert all(page for page in pages)
    [formatter] = {
        handler.formatter for handler in logging.root.handlers if isinstance(handler.formatter, JsonFormatter)
    }
    logged = "".join(formatter.format(record) for record in caplog.records)
    assert "/nowhere" in logged
    kept = b"".join(pages).decode() + caplog.text + logged
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
    "path",
    [
        "/oauth/authorize",
        "/oauth/device",
        "/oauth/apps",
        "/oauth/requests",
        "/oauth/logout",
        "/accounts/login/",
        "/",
        "/admin/",
    ],
)
def test_rfc_9700_2_6_no_other_origin_reads_pages(client, signing_keys, path):
    answer = client.get(path, headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer


# --- the client's side, in our sample client


class Server:
    """Answers the sample app as a real server would, except for what a test changes."""

    def __init__(self, app, **answer):
        self.app, self.answer = app, answer

    def __call__(self, url):
        query = dict(parse_qsl(urlsplit(url).query))
        answer = {"code": "a-code", "state": query["state"], "iss": "https://login.example", **self.answer}
        given = {name: value for name, value in answer.items() if value is not None}
        requests.get(f"{query['redirect_uri']}?{urlencode(given)}", timeout=60)


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
def test_asvs_10_1_2_10_2_1_10_2_2_a_response_to_another_request_is_refused(sample_app, swapped):
    """Cross-site request forgery and mix-up (RFC 9700 §4.4, §4.7): the sample app redeems no code."""
    with pytest.raises(ProtocolError, match="does not belong to this app's request"):
        sample_app.authorize(Server(sample_app, **swapped))


class Bank:
    """Answers the sample app's HTTP requests, and remembers which scopes they need."""

    def __init__(self):
        self.scopes = set()
        money = {"currency": "GBP", "minor_units": 10_000}
        account = {"id": str(UUID(int=1)), "name": "Current", "currency": "GBP", "identifiers": [{"value": "GB00"}]}
        self.answers = {
            "/.well-known/oauth-protected-resource/api/v1": {
                "resource": "https://api.example/api/v1", "authorization_servers": ["https://login.example"],
            },
            "/.well-known/oauth-authorization-server": {
                "issuer": "https://login.example", "authorization_endpoint": "https://login.example/authorize",
                "token_endpoint": "https://login.example/token",
            },
            "/api/v1/accounts": {"data": [account, {**account, "id": str(UUID(int=2))}]},
            "/api/v1/transfers": {"status": "posted", "id": "1"},
        }  # fmt: skip
        self.balances = {"available": money}

    def get(self, url, **options):
        return self.request("GET", url, **options)

    def request(self, method, url, *, data=None, headers=None, **options):
        path = urlsplit(url).path
        if path == "/token":
            if data["grant_type"] == "refresh_token":
                self.scopes.add("offline_access")  # continues without the user
            token = "e30.e30."
            return self.answered({"token_type": "DPoP", "access_token": token, "refresh_token": "r", "scope": ""})
        if (headers or {}).get("Authorization"):
            self.scopes |= set(resolve(path).func.cls.required_scopes[method])
        return self.answered(self.answers.get(path, self.balances))

    def answered(self, body):
        response = requests.Response()
        response.status_code, response._content = 200, json.dumps(body).encode()
        return response


def test_asvs_10_2_3_the_sample_client_requests_only_scopes_that_it_uses():
    """It requests exactly the scopes that its API requests need."""
    bank = Bank()
    app = NativeApp(api="https://api.example/api/v1", client_id="app", scope=demo_app.SCOPE)
    app._http = bank
    demo_app.Command(stdout=io.StringIO())._run(app, Server(app))
    assert set(demo_app.SCOPE.split()) == bank.scopes


# --- the resource server's side


def requests_of_the_api():
    """(method, path, scopes) of every view of the API that the URLconf names."""
    for pattern in _patterns(get_resolver()):
        view = getattr(pattern.callback, "cls", None)
        # One view always answers 404, and two describe the API to everybody.
        if view is None or view in (NotHere, OpenAPIDocument, APIDocs):
            continue
        path = "/" + re.sub(r"<[^>]*>", str(UUID(int=1)), str(pattern.pattern))
        for method, scopes in view.required_scopes.items():
            yield method.lower(), path, scopes


def test_asvs_10_3_1_every_view_of_the_api_refuses_a_token_for_another_audience(alice, access_token, api):
    token = access_token(
        alice, " ".join(Scope.objects.values_list("name", flat=True)), audience=("https://other.example",)
    )
    for method, path, _scopes in requests_of_the_api():
        answer = getattr(api(token), method)(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token"), path


def test_asvs_10_3_2_every_view_of_the_api_refuses_a_token_without_its_scope(alice, access_token, api):
    """Generated from the URLconf, so that no view that accepts a token without the scope can be missed."""
    everything, seen = set(ALL_SCOPES) | {"payees:read", "payees:write", "webhooks:manage"}, 0
    for method, path, scopes in requests_of_the_api():
        for scope in scopes:
            answer = getattr(api(access_token(alice, " ".join(everything - {scope}))), method)(path)
            assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope"), (method, path)
            seen += 1
    assert seen >= 20


def _patterns(resolver):
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _patterns(pattern)
        else:
            yield pattern


def test_asvs_10_3_3_a_deleted_user_who_signs_up_again_is_another_user(alice, access_token, api):
    """`sub` is never reused: the token of a deleted user gives no access to a later user with the same email."""
    token = access_token(alice, "accounts:read balances:read")
    email = alice.email
    alice.delete()
    again = make_user(email, "Another Alice")
    account = funded(again, "Current account")
    assert api(token).get(f"/api/v1/accounts/{account.pk}").status_code in (401, 404)
    assert account.name not in api(token).get("/api/v1/accounts").content.decode()


def test_asvs_10_3_4_a_large_transfer_needs_a_recent_login(alice, access_token, api, settings):
    """RFC 9470 §3: the answer is 401, and its challenge names the required authentication."""
    settings.STEP_UP_AMOUNT_MINOR = {"GBP": 500_000}
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
    assert transfer(long_ago, 1_000).status_code == 201  # a small amount needs only the token
    assert transfer(timezone.now(), 600_000).status_code == 201


def test_asvs_10_3_5_and_rfc_9700_4_10_a_stolen_bound_token_is_refused(browser, mobile_app, token_endpoint):
    """The thief has the token, a key, and a proof that the owner sent to another URL."""
    code, address = allow(browser, mobile_app), f"{conf.ISSUER}/api/v1/accounts"
    token = token_endpoint.redeem(mobile_app, code, headers={"DPoP": proof()}).json()["access_token"]

    def ask(scheme, sent):
        headers = {"Authorization": f"{scheme} {token}", **({"DPoP": sent} if sent else {})}
        return Browser().get("/api/v1/accounts", headers=headers).status_code

    of_thief = proof(ClientKey(kid=None), url=address, method="GET", token=token)
    of_another_token = proof(url=address, method="GET", token="another")
    for scheme, sent in (("Bearer", None), ("DPoP", None), ("DPoP", of_thief), ("DPoP", of_another_token)):
        assert ask(scheme, sent) == 401, (scheme, sent)
    assert ask("DPoP", proof(url=address, method="GET", token=token)) == 200


# --- the authorization server's side


def test_asvs_10_4_2_and_rfc_9700_4_5_a_code_is_refused_in_another_transaction(browser, mobile_app, token_endpoint):
    code = allow(browser, mobile_app)
    other = VERIFIER[::-1]
    assert token_endpoint.redeem(mobile_app, code, code_verifier=other).json()["error"] == "invalid_grant"


def test_rfc_9700_4_8_pkce_cannot_be_left_out(browser, mobile_app, web_app, token_endpoint):
    """PKCE cannot be removed from the authorization request, which would make the verifier meaningless, nor from the
    token request.
    """
    for client in (mobile_app, web_app):
        stripped = authorization_url(client, code_challenge=None, code_challenge_method=None)
        assert callback(browser.get(stripped))["error"] == "invalid_request"
        code = allow(browser, client)
        without = {"grant_type": "authorization_code", "code": code, "redirect_uri": "https://app.example/callback"}
        assert token_endpoint.post(client, **without).json()["error"] == "invalid_grant"


def test_asvs_10_4_11_the_user_is_not_asked_for_a_scope_beyond_the_clients(browser, web_app):
    """authentik CVE-2024-52287: the scopes that a client may have are checked for every grant."""
    web_app.allowed_scopes = ["accounts:read"]
    web_app.save()
    answer = callback(browser.get(authorization_url(web_app, scope="accounts:read transfers:write")))
    assert answer["error"] == "invalid_scope"


def test_asvs_10_4_11_client_credentials_give_no_scope_beyond_the_clients(service, token_endpoint):
    answer = token_endpoint.post(service, grant_type="client_credentials", scope="transfers:write")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    assert token_endpoint.post(service, grant_type="client_credentials").json()["scope"] == "accounts:read"


def test_asvs_10_4_11_token_exchange_gives_no_scope_beyond_the_clients(issued, web_app, service, token_endpoint):
    """The token that is exchanged may do more than the client that exchanges it."""
    exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
    service.grant_types, service.allowed_scopes = [*service.grant_types, exchange], ["accounts:read"]
    service.save()
    service.exchange_from.add(web_app)
    form = {
        "grant_type": exchange, "subject_token": issued(web_app, scope="accounts:read transfers:write")["access_token"],
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
    }  # fmt: skip
    assert token_endpoint.post(service, **form, scope="transfers:write").json()["error"] == "invalid_scope"
    assert token_endpoint.post(service, **form).json()["scope"] == "accounts:read"


def test_asvs_10_5_an_id_token_and_a_logout_token_are_told_apart(issued, web_app, alice):
    """10.5.1 to 10.5.5: nonce, sub, issuer, audience, and the form of the logout token."""
    id_token = issued(web_app, scope="openid", nonce="n-1")["id_token"]
    claims = decoded(id_token)
    assert (claims["nonce"], claims["sub"], claims["iss"]) == ("n-1", str(alice.pk), conf.ISSUER)
    assert claims["aud"] == web_app.client_id
    logout_token = backchannel_logout.logout_token(
        web_app, user_id=str(alice.pk), sid=claims["sid"], issuer=claims["iss"], pairwise_key=""
    )
    assert jwt.get_unverified_header(logout_token)["typ"] == "logout+jwt"
    assert jwt.get_unverified_header(id_token)["typ"] == "JWT"
    assert "nonce" not in decoded(logout_token)
    assert "events" not in claims
    assert {key["alg"] for key in keys.published_jwks()["keys"]}.isdisjoint({"none", "HS256"})


def test_asvs_10_7_2_the_consent_page_shows_all_that_is_enforced(browser, alice, web_app):
    """It shows each scope, the app, the user's account, and the day on which the authorization ends."""
    web_app.name = "<b>Bold</b> app"
    web_app.authorization_lifetime = timedelta(days=3)
    web_app.save()
    answer = browser.get(authorization_url(web_app, scope=" ".join(ALL_SCOPES)))
    page = answer.content.decode()
    for scope in Scope.objects.filter(name__in=ALL_SCOPES):
        assert scope.sentence in page
    assert "&lt;b&gt;Bold&lt;/b&gt; app" in page
    assert "<b>Bold</b>" not in page
    assert alice.email in page
    decide(browser, answer)
    ends = Authorization.objects.get().expires_at
    assert abs(ends - timezone.now() - timedelta(days=3)) < timedelta(minutes=5)
    assert f"<dt>Until</dt><dd>{date_format(timezone.localtime(ends), 'DATE_FORMAT')}</dd>" in page


def test_asvs_10_7_3_and_10_4_9_what_was_taken_back_is_over(browser, web_app, issued, token_endpoint, api):
    tokens = issued(web_app, scope="accounts:read transfers:write")
    assert web_app.name.encode() in browser.get("/oauth/apps").content
    body = urlencode({"client_id": web_app.client_id})
    browser.post("/oauth/apps", body, content_type="application/x-www-form-urlencoded")
    assert token_endpoint.refresh(web_app, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert web_app.name.encode() not in browser.get("/oauth/apps").content
