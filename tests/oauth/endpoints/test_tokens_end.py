"""Revocation, introspection and UserInfo: what they say about a token, and how it ends."""

import base64
import time
from urllib.parse import urlencode

import jwt
import pytest
from django.test import Client as Browser

from oauth import keys
from oauth.conf import conf
from oauth.models import Authorization
from tests.lib.registered import make_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def call(token_endpoint):
    """POSTs a form to a protocol endpoint as a client."""

    def post(path, client, *, accept="*/*", **form):
        headers = {"Accept": accept}
        if secret := getattr(client, "secret", None):
            credentials = base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
            headers["Authorization"] = f"Basic {credentials}"
        elif client is not None:
            form["client_id"] = client.client_id
        body = urlencode(form)
        return Browser().post(path, body, content_type="application/x-www-form-urlencoded", headers=headers)

    return post


@pytest.fixture
def another_app(db):
    client = make_client("web", name="Another")
    client.secret = client.issue_secret()
    client.save()
    return client


def introspect(call, client, token):
    return call("/oauth/introspect", client, token=token).json()


def userinfo(token, method="get"):
    return getattr(Browser(), method)("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})


# --- revocation


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
def test_giving_a_token_back_ends_the_authorization(issued, web_app, call, token_endpoint, kind):
    """RFC 7009 §2.1."""
    tokens = issued(web_app)
    answer = call("/oauth/revoke", web_app, token=tokens[kind])
    assert answer.status_code == 200
    assert answer.json() == {}
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-store"
    assert Authorization.objects.get().revocation_reason == Authorization.RevocationReason.CLIENT
    assert token_endpoint.refresh(web_app, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert introspect(call, web_app, tokens["access_token"]) == {"active": False}


def test_a_public_client_may_give_back_its_own(issued, mobile_app, call):
    assert call("/oauth/revoke", mobile_app, token=issued(mobile_app)["refresh_token"]).status_code == 200
    assert not Authorization.objects.get().is_live


def test_a_token_of_another_client_stays_alive(issued, web_app, another_app, call):
    token = issued(web_app)["refresh_token"]
    assert call("/oauth/revoke", another_app, token=token).status_code == 200
    assert Authorization.objects.get().is_live


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "x" * 5000])
def test_an_unknown_token_is_as_good_as_revoked(web_app, call, token):
    """RFC 7009 §2.2."""
    assert call("/oauth/revoke", web_app, token=token).status_code == 200


@pytest.mark.parametrize("path", ["/oauth/revoke", "/oauth/introspect"])
def test_the_client_authenticates_as_at_the_token_endpoint(web_app, call, path):
    """ASVS 5.0 10.4.10."""
    web_app.secret = "wrong"
    assert call(path, web_app, token="x").status_code == 401
    assert call(path, None, token="x").status_code == 401
    del web_app.secret
    assert call(path, web_app, token="x").json()["error"] == "invalid_client"


@pytest.mark.parametrize("path", ["/oauth/revoke", "/oauth/introspect"])
def test_the_token_is_not_left_out(web_app, call, path):
    assert call(path, web_app).json()["error"] == "invalid_request"
    assert Browser().get(path).status_code == 405


# --- introspection


def test_a_client_reads_its_own_tokens(issued, web_app, call, alice):
    """RFC 7662 §2.2."""
    tokens = issued(web_app, scope="accounts:read")
    access = introspect(call, web_app, tokens["access_token"])
    assert access["active"] is True
    assert (access["sub"], access["client_id"], access["scope"]) == (str(alice.pk), web_app.client_id, "accounts:read")
    assert (access["token_type"], access["aud"]) == ("Bearer", "http://localhost:8000/api/v1")
    refresh = introspect(call, web_app, tokens["refresh_token"])
    assert refresh["active"] is True
    assert refresh["exp"] > access["exp"]
    assert "token_type" not in refresh


def test_nobody_learns_of_another_clients_token(issued, web_app, another_app, call):
    """authentik CVE-2024-47077."""
    tokens = issued(web_app)
    for kind in ("access_token", "refresh_token"):
        assert introspect(call, another_app, tokens[kind]) == {"active": False}


@pytest.fixture
def of_api(settings, another_app):
    """`another_app` belongs to the API."""
    [api] = conf.RESOURCES
    settings.OAUTH = {**settings.OAUTH, "RESOURCE_SERVER_CLIENTS": {api: [another_app.client_id]}}
    return another_app


def test_an_api_introspects_access_tokens_that_are_for_it(issued, web_app, alice, call, of_api, token_endpoint):
    """RFC 7662 §2.1. The answer has the claims of the token, with the same `sub`."""
    tokens = issued(web_app)
    told = introspect(call, of_api, tokens["access_token"])
    in_token = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert told == {"active": True, "token_type": "Bearer", **in_token}
    assert introspect(call, of_api, tokens["refresh_token"]) == {"active": False}
    signed = signed_introspection(call, of_api, tokens["access_token"])[1]
    assert (signed["aud"], signed["token_introspection"]["sub"]) == (of_api.client_id, str(alice.pk))
    assert call("/oauth/revoke", of_api, token=tokens["access_token"]).status_code == 200
    assert introspect(call, of_api, tokens["access_token"])["active"]
    Authorization.objects.all().revoke(Authorization.RevocationReason.USER)
    assert introspect(call, of_api, tokens["access_token"]) == {"active": False}


def test_an_api_does_not_introspect_tokens_for_another_api(issued, web_app, call, another_app, settings):
    """authentik CVE-2024-47077."""
    token = issued(web_app)["access_token"]
    of_another = {"https://another.example/v1": [another_app.client_id]}
    settings.OAUTH = {**settings.OAUTH, "RESOURCE_SERVER_CLIENTS": of_another}
    assert introspect(call, another_app, token) == {"active": False}
    assert introspect(call, web_app, token)["active"]


def test_a_public_client_cannot_introspect(issued, mobile_app, call):
    assert call("/oauth/introspect", mobile_app, token=issued(mobile_app)["access_token"]).status_code == 401


def test_a_service_reads_its_own_token(service, token_endpoint, call):
    token = token_endpoint.post(service, grant_type="client_credentials").json()["access_token"]
    assert introspect(call, service, token)["sub"] == service.client_id


def deactivate_person(alice, **_):
    alice.is_active = False
    alice.save()


def log_out(browser, **_):
    browser.post("/accounts/logout/")


def revoke(**_):
    Authorization.objects.all().revoke(Authorization.RevocationReason.ADMIN)


@pytest.mark.parametrize("end", [deactivate_person, log_out, revoke])
def test_ended_tokens_are_inactive_at_once(issued, web_app, call, alice, browser, end):
    tokens = issued(web_app, scope="openid accounts:read")
    end(alice=alice, browser=browser)
    for kind in ("access_token", "refresh_token"):
        assert introspect(call, web_app, tokens[kind]) == {"active": False}
    assert userinfo(tokens["access_token"]).status_code == 401


def test_a_superseded_refresh_token_is_inactive(issued, web_app, call):
    from django.utils import timezone

    from oauth.models import RefreshToken

    token = issued(web_app)["refresh_token"]
    RefreshToken.objects.update(superseded_at=timezone.now())
    assert introspect(call, web_app, token) == {"active": False}


# --- UserInfo


@pytest.mark.parametrize("method", ["get", "post"])
def test_userinfo_tells_what_the_scopes_allow(issued, web_app, alice, method):
    """OpenID Connect Core §5.3.2, §5.4."""
    only = userinfo(issued(web_app, scope="openid")["access_token"], method)
    assert only.json() == {"sub": str(alice.pk)}
    more = userinfo(issued(web_app, scope="openid profile email")["access_token"], method).json()
    assert more.pop("updated_at") <= time.time()
    assert more == {
        "sub": str(alice.pk), "name": alice.name, "locale": "en-GB", "email": alice.email, "email_verified": True,
    }  # fmt: skip


def test_userinfo_needs_the_scope_openid(issued, web_app):
    answer = userinfo(issued(web_app, scope="accounts:read")["access_token"])
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer["WWW-Authenticate"]


@pytest.mark.parametrize(
    "header", ["", "Bearer x", "Bearer a.b.c", "Basic eDp5", "Bearer", "Bearer  x", "Bearer " + "x" * 9000]
)
def test_userinfo_refuses_everything_else(client, signing_keys, header):
    answer = client.get("/oauth/userinfo", headers={"Authorization": header})
    assert answer.status_code in (400, 401)
    assert answer["WWW-Authenticate"].startswith("Bearer ")


def test_userinfo_refuses_a_refresh_token_and_a_clients_own(issued, web_app, service, token_endpoint):
    assert userinfo(issued(web_app, scope="openid")["refresh_token"]).status_code == 401
    own = token_endpoint.post(service, grant_type="client_credentials").json()["access_token"]
    assert userinfo(own).status_code == 401


# --- RFC 9701


@pytest.fixture
def tokens(issued, web_app):
    return issued(web_app)


def signed_introspection(call, client, token):
    answer = call("/oauth/introspect", client, token=token, accept="application/token-introspection+jwt")
    assert answer["Content-Type"] == "application/token-introspection+jwt"
    header = jwt.get_unverified_header(answer.content)
    key = jwt.PyJWKSet.from_dict(keys.published_jwks())[header["kid"]]
    claims = jwt.decode(answer.content, key, algorithms=[header["alg"]], audience=client.client_id, issuer=conf.ISSUER)
    return header, claims


def test_an_answer_is_signed_where_it_is_asked_for(call, web_app, tokens):
    """RFC 9701 §5: the JWT has typ, iss, aud and iat, and the answer is in one claim, with the exp of the token."""
    header, claims = signed_introspection(call, web_app, tokens["access_token"])
    assert (header["typ"], header["alg"]) == ("token-introspection+jwt", "ES256")
    assert claims.keys() == {"iss", "aud", "iat", "token_introspection"}
    assert claims["token_introspection"] == introspect(call, web_app, tokens["access_token"])
    assert claims["token_introspection"]["active"] is True
    web_app.introspection_signed_response_alg = "PS256"
    web_app.save()
    assert signed_introspection(call, web_app, tokens["access_token"])[0]["alg"] == "PS256"


def test_a_signed_answer_tells_no_more_of_anothers_token(call, web_app, another_app, tokens):
    _, claims = signed_introspection(call, another_app, tokens["access_token"])
    assert claims["token_introspection"] == {"active": False}


def test_a_signed_answer_is_no_access_token(call, web_app, tokens, api):
    """RFC 9701 §8.1, ASVS 5.0 9.2.2."""
    answer = call(
        "/oauth/introspect", web_app, token=tokens["access_token"], accept="application/token-introspection+jwt"
    )
    assert api(answer.content.decode()).get("/api/v1/accounts").status_code == 401
