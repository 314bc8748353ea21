"""No grant issues a token with a permission that an admin has removed from the client (ASVS 5.0 10.4.11)."""

import json

import pytest
from django.test import Client as Browser

from oauth.conf import conf
from oauth.models import Authorization, BackchannelRequest, Client, DeviceCode
from oauth.models.client import GrantType
from tests.lib.ciba import ask
from tests.lib.device import begin, poll, type_code
from tests.lib.device import decide as decide_on_device
from tests.lib.oauth_client import allow, decoded
from tests.lib.registered import make_client
from tests.lib.token_exchange import exchange

pytestmark = pytest.mark.django_db
SCOPE = "openid accounts:read transfers:write"
LEFT = ["openid", "accounts:read"]
DETAIL = {"type": "transfer", "identifier": "x", "debtor_account": "00000000-0000-4000-8000-000000000000"}


def take(client, **values):
    """An admin removes a permission from the client after the user has allowed it."""
    Client.objects.filter(pk=client.pk).update(**(values or {"allowed_scopes": LEFT}))


def scopes_of(answer):
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["scope"] == decoded(body["access_token"])["scope"]
    return body["scope"].split()


@pytest.mark.parametrize("kind", ["web_app", "mobile_app"])
def test_a_scope_that_was_taken_does_not_come_with_a_refresh(issued, token_endpoint, request, kind):
    app = request.getfixturevalue(kind)
    token = issued(app, scope=SCOPE)["refresh_token"]
    take(app)
    assert token_endpoint.refresh(app, token, scope="transfers:write").json()["error"] == "invalid_scope"
    assert scopes_of(token_endpoint.refresh(app, token)) == sorted(LEFT)


def test_a_scope_that_was_taken_does_not_come_with_a_refresh_under_the_lock(issued, mobile_app, token_endpoint):
    """The retry of a superseded token is handled under the lock."""
    token = issued(mobile_app, scope=SCOPE)["refresh_token"]
    token_endpoint.refresh(mobile_app, token)
    take(mobile_app)
    assert scopes_of(token_endpoint.refresh(mobile_app, token)) == sorted(LEFT)


def test_a_scope_that_was_taken_does_not_come_with_a_code(browser, web_app, token_endpoint):
    code = allow(browser, web_app, scope=SCOPE)
    take(web_app)
    assert scopes_of(token_endpoint.redeem(web_app, code)) == sorted(LEFT)


def test_where_nothing_is_left_there_is_no_token(browser, web_app, token_endpoint):
    code = allow(browser, web_app, scope="transfers:write")
    take(web_app)
    assert token_endpoint.redeem(web_app, code).json()["error"] == "invalid_scope"


def test_a_scope_that_was_taken_does_not_come_with_a_device_code(browser, signing_keys):
    television = make_client("device", redirect_uris="")
    television.save()
    asked = begin(television, scope=SCOPE).json()
    decide_on_device(browser, type_code(browser, asked["user_code"]))
    DeviceCode.objects.update(scopes=SCOPE.split())
    take(television)
    assert scopes_of(poll(television, asked["device_code"])) == sorted(LEFT)


def test_a_scope_that_was_taken_does_not_come_with_ciba(signing_keys, token_endpoint, alice):
    call_centre = make_client("web", grant_types=[GrantType.CIBA.value], redirect_uris="")
    call_centre.secret = call_centre.issue_secret()
    call_centre.save()
    asked = ask(call_centre, scope=SCOPE).json()
    request = BackchannelRequest.objects.get()
    request.authorization = Authorization.objects.create(
        user=alice, client=call_centre, scopes=SCOPE.split(), expires_at=request.expires_at
    )
    request.save()
    take(call_centre)
    answer = token_endpoint.post(call_centre, grant_type=GrantType.CIBA.value, auth_req_id=asked["auth_req_id"])
    assert scopes_of(answer) == sorted(LEFT)


@pytest.mark.parametrize("whose", ["the app", "the service"])
def test_a_scope_that_was_taken_does_not_come_with_an_exchange(issued, mobile_app, token_endpoint, whose):
    service = make_client("service", allowed_scopes=SCOPE.split(), grant_types=[GrantType.TOKEN_EXCHANGE.value])
    service.secret = service.issue_secret()
    service.save()
    service.exchange_from.add(mobile_app)
    token = issued(mobile_app, scope=SCOPE)["access_token"]
    take(mobile_app if whose == "the app" else service)
    assert exchange(token_endpoint, service, token, scope="transfers:write").json()["error"] == "invalid_scope"
    assert scopes_of(exchange(token_endpoint, service, token)) == sorted(LEFT)


def test_a_resource_that_was_taken_is_not_the_audience_of_a_token(issued, web_app, token_endpoint):
    """RFC 8707 §2."""
    token = issued(web_app)["refresh_token"]
    take(web_app, allowed_resources=["https://other.example/"])
    assert token_endpoint.refresh(web_app, token).json()["error"] == "invalid_target"
    assert token_endpoint.refresh(web_app, token, resource=conf.audiences[0]).json()["error"] == "invalid_target"


def test_a_details_type_that_was_taken_ends_the_refresh_and_leaves_no_wider_token(issued, web_app, token_endpoint):
    """RFC 9396: without its details, the scopes of the token would mean every transfer."""
    token = issued(web_app, scope=SCOPE)["refresh_token"]
    Authorization.objects.update(authorization_details=[DETAIL])
    take(web_app, authorization_details_types=["account_information"])
    assert token_endpoint.refresh(web_app, token).json()["error"] == "invalid_authorization_details"
    asked = json.dumps([DETAIL])
    refused = token_endpoint.refresh(web_app, token, authorization_details=asked)
    assert refused.json()["error"] == "invalid_authorization_details"


def test_a_grant_type_that_was_taken_gives_no_token(browser, web_app, issued, token_endpoint):
    code = allow(browser, web_app)
    token = issued(web_app)["refresh_token"]
    take(web_app, grant_types=["client_credentials"])
    assert token_endpoint.redeem(web_app, code).json()["error"] == "unauthorized_client"
    assert token_endpoint.refresh(web_app, token).json()["error"] == "unauthorized_client"


def test_a_claim_whose_scope_was_taken_is_not_told(browser, web_app, token_endpoint):
    """OpenID Connect Core §5.5: a claim by name stands for the scope that releases it."""
    claims = json.dumps({"id_token": {"email": None}, "userinfo": {"email": None}})
    first = token_endpoint.redeem(web_app, allow(browser, web_app, scope="openid", claims=claims)).json()
    assert "email" in decoded(first["id_token"])
    code = allow(browser, web_app, scope="openid", claims=claims)
    take(web_app)
    assert "email" not in decoded(token_endpoint.redeem(web_app, code).json()["id_token"])
    headers = {"Authorization": f"Bearer {first['access_token']}"}
    assert "email" not in Browser().get("/oauth/userinfo", headers=headers).json()
