"""Step-up (RFC 9470): from a password to a second factor, through the pages."""

import json
from urllib.parse import urlencode, urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from bs4 import BeautifulSoup

from tests.lib.oauth_client import PASSWORD, allow, authorization_url, callback, decide, decoded
from tests.lib.totp import MFA, PWD, SECRET, code

pytestmark = pytest.mark.django_db

ESSENTIAL = json.dumps({"id_token": {"acr": {"essential": True, "values": [MFA]}}})


@pytest.fixture
def totp(alice, browser):
    """Alice sets up an authenticator app after she has logged in by password."""
    return TOTP.activate(alice, SECRET).instance


def prove(browser, answer):
    """Follows the redirects to the page that asks for the code, and enters it."""
    assert urlsplit(answer["Location"]).path == "/accounts/stronger/"
    page = browser.get(browser.get(answer["Location"])["Location"])
    form = next(
        form for form in BeautifulSoup(page.content, "html.parser").select("main form") if form.select("[name=code]")
    )
    fields = {field["name"]: field.get("value", "") for field in form.select("input[type=hidden]")}
    return browser.post(form["action"], {**fields, "code": code()})


@pytest.mark.parametrize("wish", [{"acr_values": MFA}, {"claims": ESSENTIAL}])
def test_who_has_a_second_factor_is_asked_for_it_and_the_token_says_so(browser, totp, web_app, token_endpoint, wish):
    answer = browser.get(authorization_url(web_app, scope="openid", **wish))
    back = prove(browser, answer)
    assert urlsplit(back["Location"]).path == "/oauth/authorize", back.content
    code = callback(decide(browser, browser.get(back["Location"])))["code"]
    claims = decoded(token_endpoint.redeem(web_app, code).json()["access_token"])
    assert (claims["acr"], claims["amr"]) == (MFA, ["mfa", "otp", "pwd"])


def test_a_wrong_code_is_no_proof(browser, totp, web_app):
    answer = browser.get(authorization_url(web_app, scope="openid", claims=ESSENTIAL))
    page = browser.get(answer["Location"])["Location"]
    assert browser.post(page, {"code": "000000"}).status_code == 200
    assert browser.get(authorization_url(web_app, scope="openid", claims=ESSENTIAL)).status_code == 303


def test_an_essential_acr_is_refused_for_a_user_without_a_second_factor(browser, web_app):
    answer = browser.get(authorization_url(web_app, scope="openid", claims=ESSENTIAL))
    assert callback(answer)["error"] == "unmet_authentication_requirements"
    assert browser.get("/accounts/stronger/")["Location"] == "/accounts/2fa/"


def test_a_preferred_acr_is_ignored_for_a_user_without_a_second_factor(browser, web_app, token_endpoint):
    code = allow(browser, web_app, scope="openid", acr_values=MFA)
    assert decoded(token_endpoint.redeem(web_app, code).json()["access_token"])["acr"] == PWD


def test_a_stronger_log_in_meets_a_weaker_wish(browser, totp, web_app):
    prove(browser, browser.get(authorization_url(web_app, scope="openid", acr_values=MFA)))
    essential = json.dumps({"id_token": {"acr": {"essential": True, "values": [PWD]}}})
    assert browser.get(authorization_url(web_app, scope="openid", claims=essential)).status_code == 200


@pytest.mark.parametrize("values", [["urn:other"], []])
def test_what_nobody_can_meet_is_an_error(browser, totp, web_app, values):
    claims = json.dumps({"id_token": {"acr": {"essential": True, "values": values}}})
    answer = browser.get(authorization_url(web_app, scope="openid", claims=claims))
    if values:
        assert callback(answer)["error"] == "unmet_authentication_requirements"
    else:
        assert answer.status_code == 200


def test_a_password_alone_is_no_fresh_second_factor(browser, totp, web_app, token_endpoint):
    """RFC 9470 §5, OpenID Connect Core §2: `acr` is about the authentication at `auth_time`. Alice used her second
    factor earlier in this login, and reauthenticates with her password.
    """
    prove(browser, browser.get(authorization_url(web_app, scope="openid", acr_values=MFA)))
    answer = browser.get(authorization_url(web_app, scope="openid", max_age="0", claims=ESSENTIAL))
    back = browser.post(answer["Location"], {"password": PASSWORD})
    answer = browser.get(back["Location"])
    assert urlsplit(answer["Location"]).path == "/accounts/stronger/"
    code = allow(browser, web_app, scope="openid")
    claims = decoded(token_endpoint.redeem(web_app, code).json()["id_token"])
    assert (claims["acr"], claims["amr"]) == (PWD, ["pwd"])


def test_silently_nobody_is_asked(browser, totp, web_app):
    allow(browser, web_app, scope="openid")
    answer = browser.get(authorization_url(web_app, scope="openid", prompt="none", claims=ESSENTIAL))
    assert callback(answer)["error"] == "unmet_authentication_requirements"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_it_leads_to_no_other_site(browser, totp, elsewhere):
    answer = browser.get("/accounts/stronger/?" + urlencode({"next": elsewhere}))
    assert answer["Location"] == "/accounts/2fa/reauthenticate/"


def test_a_user_with_only_a_passkey_is_asked_for_the_passkey(browser, alice):
    Authenticator.objects.create(
        user=alice, type="webauthn", data={"name": "key", "passwordless": True, "credential": {}}
    )
    assert browser.get("/accounts/stronger/")["Location"] == "/accounts/2fa/webauthn/reauthenticate/"
