"""Scopes that the server does not know (OpenID Connect Core §3.1.2.1) and scopes that the client may not have."""

from urllib.parse import urlencode

import pytest
from django.test import Client as Browser

from tests.lib.device import GRANT as DEVICE
from tests.lib.oauth_client import allow, authorization_url, callback
from tests.lib.registered import make_client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("unknown", ["address", "phone", "foo bar", "User.Read"])
def test_an_openid_request_ignores_what_nobody_knows(browser, web_app, token_endpoint, unknown):
    asked = f"openid {unknown} accounts:read"
    tokens = token_endpoint.redeem(web_app, allow(browser, web_app, scope=asked)).json()
    assert tokens["scope"] == "accounts:read openid"
    # Clients may repeat the same value.
    again = token_endpoint.refresh(web_app, tokens["refresh_token"], scope=asked).json()
    assert again["scope"] == "accounts:read openid"


def test_offline_access_that_it_may_not_have_is_ignored_too(browser, web_app, token_endpoint):
    """OpenID Connect Core §11."""
    web_app.allowed_scopes = ["openid", "accounts:read"]
    web_app.save()
    code = allow(browser, web_app, scope="openid accounts:read offline_access")
    assert token_endpoint.redeem(web_app, code).json()["scope"] == "accounts:read openid"


@pytest.mark.parametrize(
    ("scope", "refused"),
    [("accounts:read nonsense", "nonsense"), ("nonsense", "nonsense"), ("openid transfers:write", "transfers:write"),
     ("openid offline_access:x transfers:write", "transfers:write"), ("openid profile email", "email, profile"),
     (f"{'x' * 300} nonsense", f"nonsense, {'x' * 190}...")],
)  # fmt: skip
def test_anything_else_is_refused(browser, web_app, scope, refused):
    """RFC 6749 §3.3, ASVS 5.0 10.4.11: a known scope that the client may not have is refused, because no library adds
    it by mistake. The developer learns which one it is.
    """
    web_app.allowed_scopes = ["openid", "accounts:read"]
    web_app.save()
    answer = callback(browser.get(authorization_url(web_app, scope=scope)))
    assert answer["error"] == "invalid_scope"
    assert f"not allowed: {refused}." in answer["error_description"]


def test_a_refused_token_request_names_the_scope_too(service, token_endpoint):
    answer = token_endpoint.post(service, grant_type="client_credentials", scope="transfers:write").json()
    assert answer["error"] == "invalid_scope"
    assert "not allowed: transfers:write." in answer["error_description"]


def test_only_unknown_scopes_leave_nothing_to_ask_for(service, token_endpoint):
    for scope in ("nonsense", "openid nonsense", "accounts:read nonsense"):
        answer = token_endpoint.post(service, grant_type="client_credentials", scope=scope)
        assert answer.json()["error"] == "invalid_scope"


def test_a_device_may_ask_so_too(signing_keys):
    client = make_client("device")
    client.save()
    assert DEVICE in client.grant_types
    for scope, status in (("openid foo", 200), ("accounts:read foo", 400)):
        body = urlencode({"client_id": client.client_id, "scope": scope})
        answer = Browser().post("/oauth/device_authorization", body, content_type="application/x-www-form-urlencoded")
        assert answer.status_code == status, answer.content
