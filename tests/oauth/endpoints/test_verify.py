"""`/oauth/verify`, called as by gateways."""

import base64
import hashlib
import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import OperationalError, connection

from config.database.breaker import breaker
from config.server.proxy import CLIENT_CERTIFICATE
from oauth.conf import conf
from oauth.endpoints import verify
from oauth.infrastructure.rate_limits import Limit
from oauth.models import Authorization
from oauth.status import ended_recently
from tests.lib import certificates, dpop

VERIFY = "/oauth/verify"
API = "/api/v1/accounts"
NGINX = {"X-Original-Method": "GET", "X-Original-URI": f"{API}?limit=1"}


@pytest.fixture
def ask(client, db):
    def ask(token="", *, headers=NGINX, scheme="Bearer", method="get", path=VERIFY, scope="accounts:read", **query):
        sent = {**headers, **({"Authorization": f"{scheme} {token}"} if token else {})}
        wanted = {**({"scope": scope} if scope else {}), **query}
        return getattr(client, method)(f"{path}?{urlencode(wanted)}", headers=sent)

    return ask


def test_the_identity_is_in_headers(ask, access_token, alice):
    answer = ask(access_token(alice, acr="urn:example:acr"))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["X-Auth-Subject"] == answer["X-Auth-User"] == str(alice.pk)
    assert (answer["X-Auth-Client"], answer["X-Auth-Scope"]) == ("client-of-the-tests", "accounts:read")
    assert answer["X-Auth-Acr"] == "urn:example:acr"
    assert int(answer["X-Auth-Time"]) < int(answer["X-Auth-Expires-At"])
    assert answer["X-Auth-Actor"] == answer["X-Auth-Details"] == ""
    assert answer["Cache-Control"] == "no-store"


def test_a_gateway_inside_of_the_network_is_not_redirected_to_https(ask, access_token, alice, settings):
    """nginx answers its client 500 for a redirect of `auth_request`."""
    settings.SECURE_SSL_REDIRECT = True
    assert ask(access_token(alice, "accounts:read")).status_code == 200


def test_a_service_has_no_user(ask, service, token_endpoint):
    token = token_endpoint.post(service, grant_type="client_credentials").json()["access_token"]
    answer = ask(token)
    assert (answer.status_code, answer["X-Auth-User"]) == (200, "")
    assert answer["X-Auth-Subject"] == answer["X-Auth-Client"] == service.client_id


def test_it_asks_the_database_nothing(ask, access_token, alice, django_assert_num_queries):
    token = access_token(alice)
    ask(token)
    with django_assert_num_queries(0):
        assert ask(token).status_code == 200


@pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete", "options"])
def test_each_method_is_answered_alike(ask, access_token, alice, method):
    """Envoy repeats the method of the client. A preflight request must not pass without a token."""
    preflight = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    refused = ask(headers=NGINX | preflight, method=method)
    assert refused.status_code == 401
    assert 'scope="accounts:read"' in refused["WWW-Authenticate"]
    assert ask(access_token(alice), headers=NGINX | preflight, method=method)["X-Auth-User"] == str(alice.pk)


# --- refusals that the client must see


def test_a_request_without_a_token_gets_the_challenge_of_the_api(ask):
    answer = ask()
    assert answer.status_code == 401
    assert "/.well-known/oauth-protected-resource/api/v1" in answer["WWW-Authenticate"]


def test_a_token_that_is_none_is_refused(ask, access_token, alice):
    answer = ask(access_token(alice)[:-4] + "AAAA")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]


def test_a_token_for_another_api_is_refused(ask, access_token, alice):
    assert ask(access_token(alice, audience=("https://other.example",))).status_code == 401


def test_all_the_scopes_are_needed(ask, access_token, alice):
    answer = ask(access_token(alice), scope="accounts:read transfers:write")
    assert answer.status_code == 403
    assert 'scope="accounts:read transfers:write"' in answer["WWW-Authenticate"]


def test_an_authorization_that_has_ended_is_refused(ask, issued, mobile_app):
    token = issued(mobile_app, scope="openid accounts:read")["access_token"]
    assert ask(token).status_code == 200
    Authorization.objects.get().revoke(Authorization.RevocationReason.ADMIN)
    ended_recently.recent.clear()
    assert ask(token).json()["error"] == "invalid_token"


DETAILS = ({"type": "account_information", "accounts": ["Zoë"]},)


def test_a_token_with_limits_is_for_an_api_that_obeys_them(ask, access_token, alice):
    """RFC 9396 §9."""
    token = access_token(alice, authorization_details=DETAILS)
    assert ask(token).status_code == 401
    answer = ask(token, authorization_details="forwarded")
    encoded = answer["X-Auth-Details"]
    assert json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))) == list(DETAILS)


# --- proof of possession


def bound(access_token, user):
    return access_token(user, confirmation={"jkt": dpop.KEY.jwk.thumbprint()})


def proof(token, **values):
    values = {"url": f"{conf.issuer_origin}{API}", "method": "GET", **values}
    return {"DPoP": dpop.proof(token=token, **values)}


@pytest.mark.parametrize("convention", [NGINX, {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": API}])
def test_a_proof_is_for_the_request_that_the_gateway_names(ask, access_token, alice, convention):
    """RFC 9449 §4.3."""
    token = bound(access_token, alice)
    assert ask(token, scheme="DPoP", headers=convention | proof(token)).status_code == 200
    wrong = [proof(token, method="POST"), proof(token, url=f"{conf.issuer_origin}/api/v1/transfers"), {}]
    for headers in wrong:
        answer = ask(token, scheme="DPoP", headers=convention | headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_dpop_proof")
    assert ask(token).json()["error"] == "invalid_token"


@pytest.mark.parametrize("other", [{"X-Original-Method": "POST"}, {"X-Original-URI": "/api/v1/transfers"}])
def test_the_proof_of_one_request_is_none_for_another(ask, access_token, alice, other):
    token = bound(access_token, alice)
    assert ask(token, scheme="DPoP", headers=NGINX | other | proof(token)).json()["error"] == "invalid_dpop_proof"


def test_a_proof_is_good_once(ask, access_token, alice):
    token = bound(access_token, alice)
    headers = NGINX | proof(token)
    assert ask(token, scheme="DPoP", headers=headers).status_code == 200
    assert ask(token, scheme="DPoP", headers=headers).status_code == 401


def test_envoy_appends_the_path_and_keeps_the_query_of_the_client(client, access_token, alice):
    token = bound(access_token, alice)
    sent = {"Authorization": f"DPoP {token}", "X-Verify-Scope": "accounts:read"}
    url = f"{VERIFY}/at{API}?scope=transfers:write"
    assert client.post(url, headers=sent | proof(token, method="POST")).status_code == 200
    assert client.get(url, headers=sent | proof(token, method="POST")).status_code == 401
    assert client.get(url, headers={"Authorization": f"DPoP {token}"} | proof(token)).status_code == 400


def test_a_token_is_bound_to_the_certificate_that_the_proxy_saw(client, access_token, alice, settings):
    """RFC 8705 §3."""
    settings.OAUTH = settings.OAUTH | {"CLIENT_CERTIFICATE": "config.server.proxy.client_certificate"}
    own, other = certificates.make("CN=atlas"), certificates.make("CN=other")
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(own.der).digest()).rstrip(b"=").decode()
    headers = NGINX | {"Authorization": f"Bearer {access_token(alice, confirmation={'x5t#S256': thumbprint})}"}

    def status(*chain):
        return client.get(f"{VERIFY}?scope=accounts:read", headers=headers, **{CLIENT_CERTIFICATE: chain}).status_code

    assert (status(own.der), status(other.der), status()) == (200, 401, 401)


# --- while the database is unreachable


@pytest.fixture
def away(transactional_db):
    """Returns a function that opens the breaker and takes all connections."""

    def begin():
        connection.close()
        breaker.open("no answer")

    yield begin
    breaker.close()


@pytest.mark.parametrize("refresh_seconds", [5, 0])
def test_without_the_database_tokens_are_still_verified(
    refresh_seconds, settings, away, ask, access_token, alice, issued, mobile_app
):
    """This is true even if the cached status list is older than its refresh interval."""
    settings.OAUTH = settings.OAUTH | {"STATUS_LIST_REFRESH": timedelta(seconds=refresh_seconds)}
    ended = issued(mobile_app, scope="openid accounts:read")["access_token"]
    Authorization.objects.get().revoke(Authorization.RevocationReason.ADMIN)
    ended_recently.recent.clear()
    token = issued(mobile_app, scope="openid accounts:read")["access_token"]
    other = access_token(alice)
    assert ask(token).status_code == 200  # with the keys and the status list in memory
    away()
    assert ask(token)["X-Auth-User"] == str(alice.pk)
    assert ask(other).status_code == 200
    assert ask(token, scope="transfers:write").status_code == 403
    assert ask(ended).json()["error"] == ask(f"{token[:-4]}AAAA").json()["error"] == "invalid_token"
    with pytest.raises(OperationalError):
        connection.ensure_connection()


def test_without_the_database_a_proof_waits(away, ask, access_token, alice):
    """RFC 9449 §11.1: without the database, it is unknown whether the proof was used before. The gateway must not treat
    the outage as a refusal.
    """
    token = bound(access_token, alice)
    assert ask(token, scheme="DPoP", headers=NGINX | proof(token)).status_code == 200
    away()
    answer = ask(token, scheme="DPoP", headers=NGINX | proof(token))
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")


def test_without_the_database_a_limit_still_counts(away, ask, access_token, alice, monkeypatch, clock_stands):
    token = access_token(alice)
    assert ask(token).status_code == 200
    monkeypatch.setattr(verify, "VERIFICATIONS", Limit("verifications-of-this-test", 20))
    away()
    assert [ask(token).status_code for _ in range(21)] == [200] * 20 + [429]


# --- headers that the gateway must send


@pytest.mark.parametrize("headers", [
    {}, {"X-Original-Method": "GET"}, {"X-Original-URI": API}, NGINX | {"X-Forwarded-Uri": "/"},
    NGINX | {"X-Original-URI": "https://evil.example/"}, NGINX | {"X-Original-Method": "GET /"},
])  # fmt: skip
def test_the_request_is_named_in_one_way(ask, access_token, alice, headers):
    answer = ask(access_token(alice), headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("query", [
    {"scope": ""}, {"scope": " "}, {"audience": "https://other.example"}, {"authorization_details": "ignored"},
])  # fmt: skip
def test_an_incomplete_query_is_refused(ask, access_token, alice, query):
    assert ask(access_token(alice), **query).status_code == 400


def test_the_way_of_envoy_beside_another_is_refused(client, access_token, alice):
    sent = NGINX | {"Authorization": f"Bearer {access_token(alice)}", "X-Verify-Scope": "accounts:read"}
    assert client.get(f"{VERIFY}/at{API}", headers=sent).status_code == 400
