"""A token of every grant type gives access to what the user allowed, and to nothing after the user is deactivated."""

import pytest
from rest_framework.test import APIClient

from oauth.models.client import GrantType
from tests.lib import ciba, device, token_exchange
from tests.lib.ledger import balances
from tests.lib.oauth_client import allow
from tests.lib.transfers import body_of, send

pytestmark = pytest.mark.django_db
GRANTS = ["authorization_code", "refresh_token", "device_code", "ciba", "token_exchange"]


@pytest.fixture
def allowed(request, browser, token_endpoint, mobile_app, call_centre, television, gateway):
    """A function (grant, scope) that sends the last request of the flow, after the user has allowed it."""

    def begin(grant, scope):
        if grant == "authorization_code":
            code = allow(browser, mobile_app, scope=scope)
            return lambda: token_endpoint.redeem(mobile_app, code)
        if grant == "refresh_token":
            tokens = token_endpoint.redeem(
                mobile_app, allow(browser, mobile_app, scope=f"{scope} offline_access")
            ).json()
            return lambda: token_endpoint.refresh(mobile_app, tokens["refresh_token"])
        if grant == "token_exchange":
            gateway.allowed_scopes = [*gateway.allowed_scopes, "transfers:write"]
            gateway.save()
            tokens = token_endpoint.redeem(mobile_app, allow(browser, mobile_app, scope=scope)).json()
            return lambda: token_exchange.exchange(token_endpoint, gateway, tokens["access_token"])
        if grant == "device_code":
            asked = device.begin(television, scope).json()
            device.decide(browser, device.type_code(browser, asked["user_code"]))
            return lambda: device.poll(television, asked["device_code"])
        asked = ciba.ask(call_centre, scope=f"openid {scope}").json()
        ciba.decide(browser)
        return lambda: ciba.poll(token_endpoint, call_centre, asked["auth_req_id"])

    return begin


def of(answer):
    assert answer.status_code == 200, answer.content
    return APIClient(headers={"Authorization": f"Bearer {answer.json()['access_token']}"})


@pytest.mark.parametrize("grant", GRANTS)
def test_a_token_opens_what_was_allowed_and_nothing_else(allowed, grant, current, savings):
    """OWASP API1."""
    api = of(allowed(grant, "accounts:read")())
    assert len(api.get("/api/v1/accounts").json()["data"]) == 2
    for answer in (api.get(f"/api/v1/accounts/{current.pk}/balances"), send(api, body_of(current, savings))):
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert balances(savings) == [0]


def test_a_client_for_itself_opens_nobodys_account(token_endpoint, service, current):
    """A token without a user gives access to no account."""
    api = of(token_endpoint.post(service, grant_type=GrantType.CLIENT_CREDENTIALS.value, scope="accounts:read"))
    assert api.get("/api/v1/accounts").json()["data"] == []
    assert api.get(f"/api/v1/accounts/{current.pk}").status_code == 404


@pytest.mark.parametrize("grant", GRANTS)
def test_a_deactivated_user_gets_no_token(allowed, grant, alice):
    """Permissions from before the deactivation give no token."""
    redeem = allowed(grant, "accounts:read")
    alice.is_active = False
    alice.save()
    answer = redeem()
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        "invalid_request" if grant == "token_exchange" else "invalid_grant",
    )


@pytest.mark.parametrize("grant", GRANTS)
def test_a_deactivated_user_moves_nothing_with_the_token_they_have(allowed, grant, alice, current, savings):
    """A valid token is not enough to move money: the user must be active."""
    api = of(allowed(grant, "transfers:write")())
    alice.is_active = False
    alice.save()
    assert send(api, body_of(current, savings)).status_code == 401
    assert balances(savings) == [0]
