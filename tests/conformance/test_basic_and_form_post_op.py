"""The modules of the OpenID Foundation's plans “Basic OP” and “Form Post OP”, by their names: each for both modes."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client as Browser
from django.utils import timezone

from tests.lib.client_keys import ClientKey
from tests.lib.oauth_client import PASSWORD

pytestmark = pytest.mark.django_db
PROFILE, EMAIL = {"name", "locale", "updated_at"}, {"email", "email_verified"}


@pytest.fixture(params=[None, "form_post"], ids=["basic", "form_post"])
def rp(register, request):
    return register(request.param)


@pytest.fixture(params=[None, "form_post"], ids=["basic", "form_post"])
def second_mode(request):
    return request.param


def test_oidcc_server(rp, browser, alice):
    body = rp.tokens(browser)
    assert body["token_type"] == "Bearer"
    assert body["claims"]["sub"] == str(alice.pk)
    assert body["claims"]["azp"] == rp.client["client_id"]


def test_oidcc_response_type_missing(rp, browser):
    assert rp.authorize(browser, response_type=None)["error"] == "invalid_request"


@pytest.mark.parametrize("how", ["get", "post-header", "post-body"])
def test_oidcc_userinfo(rp, browser, how):
    """oidcc-userinfo-get, oidcc-userinfo-post-header, oidcc-userinfo-post-body."""
    body = rp.tokens(browser, scope="openid email")
    answer = rp.userinfo(body["access_token"], how)
    assert answer.status_code == 200
    assert answer.json()["sub"] == body["claims"]["sub"]
    assert answer.json()["email_verified"] is True


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(rp, browser):
    assert "nonce" not in rp.tokens(browser, nonce=None)["claims"]


@pytest.mark.parametrize(
    ("scope", "released"),
    [("openid profile", PROFILE), ("openid email", EMAIL),
     ("openid profile email", PROFILE | EMAIL),
     ("email openid profile", PROFILE | EMAIL)],
)  # fmt: skip
def test_oidcc_scope(rp, browser, scope, released):
    """oidcc-scope-profile, oidcc-scope-email, oidcc-scope-all, oidcc-ensure-other-scope-order-succeeds."""
    body = rp.tokens(browser, scope=scope)
    assert rp.userinfo(body["access_token"]).json().keys() == {"sub", *released}


def test_oidcc_scope_address_and_phone_are_not_offered(rp, browser):
    """oidcc-scope-address, oidcc-scope-phone: the suite skips them if scopes_supported does not have these scopes."""
    assert not {"address", "phone"} & set(rp.metadata["scopes_supported"])
    assert rp.tokens(browser, scope="openid phone")["scope"] == "openid"


@pytest.mark.parametrize("display", ["page", "popup"])
def test_oidcc_display(rp, browser, display):
    """oidcc-display-page, oidcc-display-popup."""
    assert rp.tokens(browser, display=display)


def test_oidcc_prompt_login(rp, browser):
    first = rp.tokens(browser)["claims"]
    with time_machine.travel(timezone.now() + timedelta(seconds=30)):
        to_log_in = rp.ask(browser, prompt="login")
        back = browser.post(to_log_in["Location"], {"password": PASSWORD})
        answer = rp.received(browser.get(back["Location"]))  # consent is remembered
        again = rp.verified(rp.redeem(answer["code"]).json()["id_token"])
    assert again["auth_time"] > first["auth_time"]
    assert again["sub"] == first["sub"]


def test_oidcc_prompt_none_not_logged_in(rp):
    assert rp.authorize(Browser(), prompt="none")["error"] == "login_required"


def test_oidcc_prompt_none_logged_in(rp, browser):
    first = rp.tokens(browser)["claims"]
    second = rp.tokens(browser, prompt="none")["claims"]
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


def test_oidcc_max_age_1(rp, browser):
    first = rp.tokens(browser)["claims"]
    with time_machine.travel(timezone.now() + timedelta(seconds=5)):
        to_log_in = rp.ask(browser, max_age="1")
        back = browser.post(to_log_in["Location"], {"password": PASSWORD})
        answer = rp.received(browser.get(back["Location"]))
        again = rp.verified(rp.redeem(answer["code"]).json()["id_token"])
    assert again["auth_time"] > first["auth_time"]


def test_oidcc_max_age_10000(rp, browser):
    first = rp.tokens(browser)["claims"]
    assert rp.tokens(browser, max_age="10000", prompt="none")["claims"]["auth_time"] == first["auth_time"]


def test_oidcc_ensure_request_with_unknown_parameter_succeeds(rp, browser):
    assert rp.tokens(browser, extra="foobar")


def test_oidcc_id_token_hint(rp, browser):
    hint = rp.tokens(browser)["id_token"]
    assert rp.tokens(browser, prompt="none", id_token_hint=hint)


def test_oidcc_login_hint(rp, browser, alice):
    assert rp.tokens(browser, login_hint=alice.email)


def test_oidcc_ui_locales(rp, browser):
    assert rp.tokens(browser, ui_locales="se")


def test_oidcc_claims_locales(rp, browser):
    assert rp.tokens(browser, claims_locales="se")


def test_oidcc_ensure_request_with_acr_values_succeeds(rp, browser):
    offered = rp.metadata["acr_values_supported"]
    assert rp.tokens(browser, acr_values=" ".join(offered))["claims"]["acr"] in offered


def test_oidcc_codereuse(rp, browser):
    """oidcc-codereuse, oidcc-codereuse-30seconds: the second use is refused and revokes the tokens of the first one
    (RFC 6749 §4.1.2).
    """
    code = rp.authorize(browser)["code"]
    first = rp.redeem(code).json()
    with time_machine.travel(timezone.now() + timedelta(seconds=31)):
        assert rp.redeem(code).json()["error"] == "invalid_grant"
        assert rp.userinfo(first["access_token"]).status_code == 401


def test_oidcc_ensure_registered_redirect_uri(rp, browser):
    answer = rp.ask(browser, redirect_uri="https://rp.example/unregistered")
    assert answer.status_code == 400
    assert "Location" not in answer
    assert b"https://rp.example" not in answer.content.split(b"</head>")[1]


def test_oidcc_ensure_post_request_succeeds(rp, browser):
    assert rp.tokens(browser, method="post")


def test_oidcc_server_client_secret_post(register, browser, second_mode):
    assert register(second_mode, token_endpoint_auth_method="client_secret_post").tokens(browser)


def test_oidcc_request_uri_rejected_as_unsupported(rp, browser):
    """oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported."""
    assert rp.metadata["request_uri_parameter_supported"] is False
    answer = rp.authorize(browser, request_uri="https://rp.example/request")
    assert answer["error"] == "request_uri_not_supported"


def test_oidcc_unsigned_request_object_rejected(rp, register, second_mode, browser):
    """oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported: signed ones only (RFC 9101)."""
    unsigned = "eyJhbGciOiJub25lIn0.e30."
    assert rp.authorize(browser, request=unsigned)["error"] == "request_not_supported"  # this client has no keys
    with_keys = register(second_mode, jwks={"keys": [ClientKey().public]})
    assert with_keys.authorize(browser, request=unsigned)["error"] == "invalid_request_object"


def test_oidcc_claims_essential(rp, browser):
    body = rp.tokens(browser, claims='{"userinfo": {"name": {"essential": true}}}')
    assert rp.userinfo(body["access_token"]).json()["name"] == "Alice Archer"


def test_oidcc_refresh_token(rp, browser):
    body = rp.tokens(browser, scope="openid offline_access", prompt="consent")
    again = rp.token(grant_type="refresh_token", refresh_token=body["refresh_token"])
    assert again.status_code == 200
    assert rp.userinfo(again.json()["access_token"]).json()["sub"] == body["claims"]["sub"]


def test_oidcc_refresh_token_of_another_client(rp, register, browser):
    other = register()
    stolen = rp.tokens(browser, scope="openid offline_access")["refresh_token"]
    answer = other.token(grant_type="refresh_token", refresh_token=stolen).json()
    assert answer["error"] == "invalid_grant"
    assert "of another client" in answer["error_description"]  # as for an unknown token: the client learns nothing


def test_oidcc_ensure_request_with_valid_pkce_succeeds(rp, browser):
    """And OAuth 2.1 §4.1.1: without PKCE, it fails."""
    assert rp.tokens(browser)
    answer = rp.authorize(browser, code_challenge=None, code_challenge_method=None)
    assert answer["error"] == "invalid_request"
