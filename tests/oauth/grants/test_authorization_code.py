"""The authorization code grant: a code works once, for a short time, and only with its client, redirect URI and
verifier.
"""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from oauth.models import Authorization, RefreshToken, Session
from tests.lib.hosts import on_host
from tests.lib.oauth_client import TokenEndpoint, allow
from tests.lib.registered import make_client
from tests.lib.threads import in_parallel

pytestmark = pytest.mark.django_db


def refused(answer):
    assert answer.status_code == 400, answer.content
    return answer.json()["error"]


def test_a_replayed_code_ends_the_authorization(browser, mobile_app, token_endpoint):
    """ASVS 10.4.2, RFC 6749 §4.1.2."""
    code = allow(browser, mobile_app)
    first = token_endpoint.redeem(mobile_app, code).json()
    assert refused(token_endpoint.redeem(mobile_app, code)) == "invalid_grant"
    assert refused(token_endpoint.refresh(mobile_app, first["refresh_token"])) == "invalid_grant"
    assert Authorization.objects.get().revocation_reason == Authorization.RevocationReason.CODE_REPLAY


def test_a_code_of_another_client_is_refused_and_still_works_for_its_own(browser, mobile_app, web_app, token_endpoint):
    """RFC 6749 §4.1.3; Keycloak CVE-2026-16089."""
    code = allow(browser, mobile_app)
    assert refused(token_endpoint.redeem(web_app, code)) == "invalid_grant"
    assert token_endpoint.redeem(mobile_app, code).status_code == 200
    assert refused(token_endpoint.redeem(web_app, code)) == "invalid_grant"
    assert Authorization.objects.get().is_live  # the attempt of another client does not use it up


def test_a_code_lives_a_minute(browser, mobile_app, token_endpoint):
    """ASVS 10.4.3."""
    code = allow(browser, mobile_app)
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        assert refused(token_endpoint.redeem(mobile_app, code)) == "invalid_grant"


@pytest.mark.parametrize(("of_page", "of_token"), [(0, 120), (-120, 0)])
def test_a_code_lives_a_minute_on_every_host(browser, mobile_app, token_endpoint, of_page, of_token):
    with on_host(seconds_ahead=of_page):
        code = allow(browser, mobile_app)
    with on_host(seconds_ahead=of_token):
        assert token_endpoint.redeem(mobile_app, code).status_code == 200


def test_a_code_is_bound_to_its_redirect_uri(browser, mobile_app, token_endpoint):
    code = allow(browser, mobile_app)
    answer = token_endpoint.redeem(mobile_app, code, redirect_uri="http://127.0.0.1/callback")
    assert refused(answer) == "invalid_grant"


def test_a_code_with_the_verifier_of_another_request_is_refused(browser, mobile_app, token_endpoint):
    """RFC 9700 §4.5: code injection."""
    code = allow(browser, mobile_app)
    assert refused(token_endpoint.redeem(mobile_app, code, code_verifier="z" * 43)) == "invalid_grant"


def test_no_code_works_after_the_authorization_or_the_session_ended(browser, mobile_app, token_endpoint):
    code = allow(browser, mobile_app)
    browser.post("/accounts/logout/")
    assert refused(token_endpoint.redeem(mobile_app, code)) == "invalid_grant"


def test_a_deactivated_user_gets_no_tokens(browser, alice, mobile_app, token_endpoint):
    code = allow(browser, mobile_app)
    alice.is_active = False
    alice.save()
    assert refused(token_endpoint.redeem(mobile_app, code)) == "invalid_grant"


def test_a_resource_beyond_what_was_allowed_is_invalid_target(browser, mobile_app, token_endpoint):
    """RFC 8707 §2.2."""
    code = allow(browser, mobile_app)
    answer = token_endpoint.redeem(mobile_app, code, resource="https://other.example/api")
    assert refused(answer) == "invalid_target"


def test_a_client_without_the_refresh_grant_gets_no_refresh_token(browser, token_endpoint):
    client = make_client("mobile", grant_types=["authorization_code"])
    client.save()
    assert "refresh_token" not in token_endpoint.redeem(client, allow(browser, client)).json()


@pytest.mark.django_db(transaction=True)
def test_of_parallel_redemptions_exactly_one_succeeds(browser, mobile_app, token_endpoint):
    """RFC 6749 §4.1.2: of eight parallel redemptions one gets tokens; the other attempts count as replays and end the
    authorization.
    """
    code = allow(browser, mobile_app)
    answers = in_parallel(*[lambda: TokenEndpoint().redeem(mobile_app, code)] * 8)
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    assert RefreshToken.objects.count() == 1
    assert Session.objects.count() == 1
