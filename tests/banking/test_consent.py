"""GET /consent shows what a token may do, and DELETE ends the authorization."""

from urllib.parse import urlencode

import pytest
from django.test import Client as Browser

from oauth.models import Authorization
from oauth.models.client import ExchangePolicy, GrantType
from tests.lib.ledger import funded
from tests.lib.registered import make_client
from tests.lib.token_exchange import exchange

pytestmark = [pytest.mark.usefixtures("as_the_site"), pytest.mark.django_db]


def test_an_app_reads_what_it_may_do(issued, mobile_app, api, alice):
    account = funded(alice, "Everyday")
    token = issued(mobile_app, scope="accounts:read")["access_token"]
    body = api(token).get("/api/v1/consent").json()
    assert body["client"] == {"id": mobile_app.client_id, "name": mobile_app.name}
    assert (body["scopes"], body["accounts"]) == (["accounts:read"], [str(account.pk)])
    assert body["expires_at"] > body["granted_at"]


def test_an_app_ends_its_authorization_and_all_its_tokens(issued, mobile_app, api, token_endpoint):
    tokens = issued(mobile_app, scope="accounts:read")
    client = api(tokens["access_token"])
    assert client.delete("/api/v1/consent").status_code == 204
    assert Authorization.objects.get().revocation_reason == "client"
    assert client.get("/api/v1/consent").status_code == 401
    assert token_endpoint.refresh(mobile_app, tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_it_ends_no_other_authorization(issued, mobile_app, web_app, api):
    other = issued(web_app)["access_token"]
    api(issued(mobile_app)["access_token"]).delete("/api/v1/consent")
    assert api(other).get("/api/v1/consent").status_code == 200


def test_a_client_acting_for_itself_has_scopes_and_no_accounts(token_endpoint, service, api):
    token = token_endpoint.post(service, grant_type="client_credentials").json()["access_token"]
    body = api(token).get("/api/v1/consent").json()
    assert (body["scopes"], body["accounts"]) == (["accounts:read"], [])


def test_a_request_without_a_token_is_refused(client):
    assert client.get("/api/v1/consent").status_code == 401


@pytest.fixture
def gateway(mobile_app):
    """Another service, which the app calls with its tokens."""
    client = make_client("service", allowed_scopes=["accounts:read"], grant_types=[GrantType.TOKEN_EXCHANGE.value])
    client.token_endpoint_auth_method = "client_secret_post"
    client.secret = client.issue_secret()
    client.save()
    client.exchange_from.add(mobile_app)
    return client


def downstream(gateway, token, token_endpoint):
    form = {"grant_type": GrantType.TOKEN_EXCHANGE.value, "subject_token": token, "client_secret": gateway.secret}
    form |= {"subject_token_type": "urn:ietf:params:oauth:token-type:access_token", "client_id": gateway.client_id}
    return token_endpoint.send(urlencode(form)).json()["access_token"]


@pytest.mark.parametrize("policy", list(ExchangePolicy))
def test_an_exchanged_token_does_not_end_it(issued, mobile_app, gateway, api, token_endpoint, policy):
    """RFC 8693 §4.1: with `act` or, impersonating, without."""
    gateway.exchange_policy = policy
    gateway.save()
    token = downstream(gateway, issued(mobile_app)["access_token"], token_endpoint)
    assert api(token).get("/api/v1/consent").status_code == 200
    answer = api(token).delete("/api/v1/consent")
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert Authorization.objects.get().is_live


def test_an_app_that_exchanged_its_own_token_does_not_end_it_by_that(issued, web_app, api, token_endpoint):
    web_app.grant_types = [*web_app.grant_types, GrantType.TOKEN_EXCHANGE.value]
    web_app.save()
    token = exchange(token_endpoint, web_app, issued(web_app)["access_token"]).json()["access_token"]
    assert api(token).delete("/api/v1/consent").status_code == 403
    assert Authorization.objects.get().is_live


def test_a_narrowed_token_does_not_end_it(issued, web_app, api, token_endpoint):
    tokens = issued(web_app, scope="accounts:read transfers:write")
    narrow = token_endpoint.refresh(web_app, tokens["refresh_token"], scope="accounts:read").json()["access_token"]
    answer = api(narrow).delete("/api/v1/consent")
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert 'scope="transfers:write"' in answer["WWW-Authenticate"]
    assert api(tokens["access_token"]).delete("/api/v1/consent").status_code == 204


@pytest.mark.parametrize("policy", list(ExchangePolicy))
def test_an_exchanged_token_cannot_be_revoked_either(issued, mobile_app, gateway, token_endpoint, policy):
    """RFC 7009 §2.2.1."""
    gateway.exchange_policy = policy
    gateway.save()
    token = downstream(gateway, issued(mobile_app)["access_token"], token_endpoint)
    form = {"token": token, "client_id": gateway.client_id, "client_secret": gateway.secret}
    answer = Browser().post("/oauth/revoke", urlencode(form), content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_token_type")
    assert Authorization.objects.get().is_live
