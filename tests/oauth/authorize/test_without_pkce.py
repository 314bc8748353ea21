"""Only an admin can allow an old confidential client to omit PKCE (RFC 9700 §2.1.1)."""

import pytest
from django.core.exceptions import ValidationError

from oauth.clients import advice
from oauth.conformance_report.line import Verdict
from oauth.conformance_report.report import report_on_client
from oauth.models import RefreshToken
from tests.lib.oauth_client import CHALLENGE, VERIFIER, allow, authorization_url, callback
from tests.lib.registered import make_client

pytestmark = pytest.mark.django_db
NONE = {"code_challenge": None, "code_challenge_method": None}


@pytest.fixture
def old_app(web_app):
    web_app.require_pkce = False
    web_app.full_clean()
    web_app.save()
    return web_app


def test_pkce_is_required_by_default(browser, web_app):
    assert callback(browser.get(authorization_url(web_app, **NONE)))["error"] == "invalid_request"


def test_an_old_client_logs_in_without_it(browser, old_app, token_endpoint):
    tokens = token_endpoint.redeem(old_app, allow(browser, old_app, scope="openid", **NONE), code_verifier="")
    assert tokens.status_code == 200, tokens.content
    assert token_endpoint.refresh(old_app, tokens.json()["refresh_token"]).status_code == 200


def test_a_client_that_sends_one_is_still_held_to_it(browser, old_app, token_endpoint):
    for verifier in ("", "x" * 43, "short"):
        refused = token_endpoint.redeem(old_app, allow(browser, old_app), code_verifier=verifier)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert token_endpoint.redeem(old_app, allow(browser, old_app)).status_code == 200


def test_a_verifier_without_a_challenge_is_refused(browser, old_app, token_endpoint):
    """RFC 9700 §4.8.2: an attacker may have removed the challenge from the authorization request."""
    refused = token_endpoint.redeem(old_app, allow(browser, old_app, **NONE), code_verifier=VERIFIER)
    assert refused.json()["error"] == "invalid_grant"
    assert not RefreshToken.objects.exists()


def test_a_code_from_before_the_switch_is_worth_nothing_after_it(browser, old_app, token_endpoint):
    code = allow(browser, old_app, **NONE)
    old_app.require_pkce = True
    old_app.save()
    for verifier in ("", VERIFIER):
        assert token_endpoint.redeem(old_app, code, code_verifier=verifier).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "parameters",
    [
        {"code_challenge": None, "code_challenge_method": "S256"},
        {"code_challenge": CHALLENGE, "code_challenge_method": None},
        {"code_challenge": CHALLENGE, "code_challenge_method": "plain"},
        {"code_challenge": "short"},
    ],
)
def test_an_incomplete_challenge_is_refused(browser, old_app, parameters):
    assert callback(browser.get(authorization_url(old_app, **parameters)))["error"] == "invalid_request"


@pytest.mark.parametrize("profile", ["fapi2", "fapi2-message-signing", "fapi-ciba"])
def test_a_fapi_client_always_needs_pkce(profile):
    with pytest.raises(ValidationError, match="PKCE"):
        make_client("web", require_pkce=False, security_profile=profile).full_clean()


@pytest.mark.parametrize("kind", ["mobile", "browser"])
def test_a_public_client_always_needs_pkce(browser, token_endpoint, kind):
    client = make_client(kind, require_pkce=False)
    with pytest.raises(ValidationError, match="PKCE"):
        client.full_clean()
    client.save()  # simulates a direct change of the row
    assert callback(browser.get(authorization_url(client, **NONE)))["error"] == "invalid_request"


def test_staff_are_warned(old_app):
    [found] = [one for one in advice.advise(old_app) if one.field == "require_pkce"]
    assert found.level == advice.Level.UNSAFE
    report = report_on_client(old_app).lines
    unmet = {line.section for line in report if line.change == "require_pkce" and line.verdict == Verdict.UNMET}
    assert unmet >= {"§2.1.1", "§4.1.1", "10.4.6"}
    assert not [line for line in report_on_client(make_client("web")).lines if line.change == "require_pkce"]
    assert not [one for one in advice.advise(make_client("web")) if one.field == "require_pkce"]
