"""The authorization endpoint and its pages."""

from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from django.test import Client as Browser
from django.utils import timezone

from oauth.conf import conf
from oauth.models import Authorization, AuthorizationCode, Session
from tests.lib.oauth_client import CHALLENGE, PASSWORD, allow, authorization_url, callback, decide, decoded, form_fields
from tests.lib.par import push

pytestmark = pytest.mark.django_db


def test_a_user_logs_in_sees_what_is_requested_and_allows_it(alice, mobile_app, signing_keys):
    browser = Browser()
    to_log_in = browser.get(authorization_url(mobile_app, scope="accounts:read transfers:write"))
    assert to_log_in.status_code == 303
    page = browser.get(to_log_in["Location"])
    assert "On the way to" in page.content.decode()
    assert mobile_app.name in page.content.decode()
    back = browser.post("/accounts/login/", {**form_fields(page.content), "login": alice.email, "password": PASSWORD})
    consent_page = browser.get(back["Location"])
    text = consent_page.content.decode()
    for shown in (mobile_app.name, "app.example", alice.email, "See your accounts", "Make transfers"):
        assert shown in text
    answer = callback(decide(browser, consent_page))
    assert answer["state"] == "the-state"
    assert answer["iss"] == conf.ISSUER  # RFC 9207 §2
    authorization = Authorization.objects.get()
    assert (authorization.user, authorization.client) == (alice, mobile_app)
    assert authorization.scopes == ["accounts:read", "transfers:write"]
    assert AuthorizationCode.objects.get().code_challenge == CHALLENGE


def test_denying_tells_the_client_and_writes_nothing(browser, mobile_app):
    answer = callback(decide(browser, browser.get(authorization_url(mobile_app)), "deny"))
    assert answer["error"] == "access_denied"
    assert (answer["state"], answer["iss"]) == ("the-state", conf.ISSUER)
    assert not Authorization.objects.exists()


def test_using_another_account_logs_out_and_keeps_the_request(browser, bob, mobile_app):
    to_log_in = decide(browser, browser.get(authorization_url(mobile_app)), "switch")
    page = browser.get(to_log_in["Location"])
    back = browser.post("/accounts/login/", {**form_fields(page.content), "login": bob.email, "password": PASSWORD})
    decide(browser, browser.get(back["Location"]))
    assert Authorization.objects.get().user == bob


def test_an_interaction_ends_after_its_lifetime(browser, mobile_app):
    page = browser.get(authorization_url(mobile_app))
    with time_machine.travel(timezone.now() + conf.INTERACTION_LIFETIME + timedelta(seconds=1)):
        assert decide(browser, page).status_code == 400


def test_the_consent_form_needs_its_csrf_token(browser, mobile_app):
    """RFC 9700 §4.7."""
    strict = Browser(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    fields = form_fields(strict.get(authorization_url(mobile_app)).content)
    body = f"interaction={fields['interaction']}&decision=allow"
    answer = strict.post("/oauth/authorize", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 403
    assert not Authorization.objects.exists()


def test_a_tampered_form_changes_nothing(browser, mobile_app):
    """Keycloak CVE-2026-7571: the server stores the request, so fields of the form cannot change it."""
    fields = form_fields(browser.get(authorization_url(mobile_app)).content)
    body = (
        f"interaction={fields['interaction']}&decision=allow&scope=transfers:write"
        "&redirect_uri=https://evil.example&response_type=token"
    )
    answer = browser.post("/oauth/authorize", body, content_type="application/x-www-form-urlencoded")
    assert answer["Location"].startswith("https://app.example/callback?code=")
    assert Authorization.objects.get().scopes == ["accounts:read"]


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "accounts:read webhooks:manage"}, "invalid_scope"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "A" * 42}, "invalid_request"),
        ({"code_challenge": "A" * 44}, "invalid_request"),
        ({"code_challenge": "+" * 43}, "invalid_request"),
        ({"resource": "https://other.example/api"}, "invalid_target"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "sing"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
        ({"request_uri": "https://evil.example/request"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
    ],
)
def test_a_faulty_request_is_told_to_the_client(browser, mobile_app, parameters, error):
    """ASVS 5.0 10.4.4, 10.4.6, 10.4.11; RFC 9700 §2.1.1."""
    answer = callback(browser.get(authorization_url(mobile_app, **parameters)))
    assert answer["error"] == error
    assert (answer["state"], answer["iss"]) == ("the-state", conf.ISSUER)
    assert not Authorization.objects.exists()


@pytest.mark.parametrize(
    "parameters",
    [
        {"client_id": "unknown"},
        {"client_id": None},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": None},  # the client has registered three, so it must name one
        {"redirect_uri": "https://app.example/callback?extra=1"},
        # no error may be sent to this URI either
        {"redirect_uri": "https://evil.example/callback", "code_challenge": None},
    ],
)
def test_without_a_proven_redirect_uri_the_fault_is_shown_and_never_redirected(browser, mobile_app, parameters):
    """RFC 9700 §4.1, §4.11."""
    answer = browser.get(authorization_url(mobile_app, **parameters))
    assert answer.status_code == 400
    assert "Location" not in answer
    assert "text/html" in answer["Content-Type"]


def test_a_disabled_client_is_refused(browser, mobile_app):
    mobile_app.is_active = False
    mobile_app.save()
    assert browser.get(authorization_url(mobile_app)).status_code == 400


def test_the_pages_are_neither_framed_nor_cached_nor_referred_from(browser, mobile_app):
    """RFC 9700 §4.2, §4.16."""
    page = browser.get(authorization_url(mobile_app))
    assert page["Referrer-Policy"] == "no-referrer"
    assert page["Cache-Control"] == "no-store"
    assert page["X-Frame-Options"] == "DENY"
    policy = page["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://app.example" in policy


def test_the_form_may_lead_to_a_private_use_scheme(browser, mobile_app):
    page = browser.get(authorization_url(mobile_app, redirect_uri="com.example.app:/callback"))
    assert "form-action 'self' com.example.app:" in page["Content-Security-Policy"]
    assert decide(browser, page)["Location"].startswith("com.example.app:/callback?code=")


def test_prompt_none_without_a_log_in_is_login_required(mobile_app, db):
    answer = callback(Browser().get(authorization_url(mobile_app, prompt="none")))
    assert answer["error"] == "login_required"


def test_prompt_none_for_a_public_client_is_consent_required(browser, mobile_app):
    """ASVS 5.0 10.7.1: a public client cannot prove its identity, so the user is asked each time."""
    allow(browser, mobile_app)
    answer = callback(browser.get(authorization_url(mobile_app, prompt="none")))
    assert answer["error"] == "consent_required"


def test_a_confidential_client_is_remembered_until_it_wants_more(browser, web_app):
    assert browser.get(authorization_url(web_app)).status_code == 200
    allow(browser, web_app)
    assert "code" in callback(browser.get(authorization_url(web_app, prompt="none")))
    assert browser.get(authorization_url(web_app, scope="accounts:read balances:read")).status_code == 200
    assert browser.get(authorization_url(web_app, prompt="consent")).status_code == 200
    Authorization.objects.all().revoke(Authorization.RevocationReason.USER)
    assert browser.get(authorization_url(web_app)).status_code == 200


def test_prompt_login_asks_for_the_password_again(browser, mobile_app, token_endpoint, issued):
    """OpenID Connect Core §3.1.2.1: this also holds for a user who is logged in. The rest of their session
    continues.
    """
    first = decoded(issued(mobile_app)["access_token"])
    with time_machine.travel(timezone.now() + timedelta(minutes=5), tick=False):
        # other requests do not ask for the password again
        assert browser.get(authorization_url(mobile_app)).status_code == 200
        to_log_in = browser.get(authorization_url(mobile_app, prompt="login"))
        assert to_log_in["Location"].startswith("/accounts/reauthenticate/")
        proving = browser.get(to_log_in["Location"])
        assert proving.status_code == 200
        # Browsers apply form-action also to the redirect to the app after the form.
        assert "form-action 'self' https://app.example" in proving["Content-Security-Policy"]
        back = browser.post(to_log_in["Location"], {"password": PASSWORD})
        assert back["Location"].startswith("/oauth/authorize?interaction=")
        code = callback(decide(browser, browser.get(back["Location"])))["code"]
        claims = decoded(token_endpoint.redeem(mobile_app, code).json()["access_token"])
        assert claims["auth_time"] == int(timezone.now().timestamp())
    assert claims["sid"] == first["sid"]
    assert claims["auth_time"] > first["auth_time"]


def test_max_age_asks_for_the_password_again_when_it_is_long_ago(browser, mobile_app):
    with time_machine.travel(timezone.now() + timedelta(minutes=10)):
        assert browser.get(authorization_url(mobile_app, max_age="3600")).status_code == 200
        answer = browser.get(authorization_url(mobile_app, max_age="60"))
        assert answer["Location"].startswith("/accounts/reauthenticate/")
        answer = callback(browser.get(authorization_url(mobile_app, max_age="60", prompt="none")))
        assert answer["error"] == "login_required"


def test_logging_out_ends_the_session_that_clients_know(browser, mobile_app):
    allow(browser, mobile_app)
    assert Session.objects.get().ended_at is None
    browser.post("/accounts/logout/")
    assert Session.objects.get().end_reason == Session.EndReason.LOGOUT


def test_other_methods_are_refused(browser):
    assert browser.put("/oauth/authorize").status_code == 405


def test_a_request_may_be_posted_from_another_site(alice, browser, mobile_app):
    """OpenID Connect Core §3.1.2.1: GET and POST. Browsers do not send the SameSite cookie with such a POST, so the
    session stays unchanged.
    """
    query = urlsplit(authorization_url(mobile_app)).query
    from_elsewhere = Browser(enforce_csrf_checks=True)
    answer = from_elsewhere.post("/oauth/authorize", query, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 303
    assert not answer.cookies
    page = browser.get(answer["Location"])
    assert callback(decide(browser, page))["state"] == "the-state"


def test_a_posted_request_with_a_fault_is_told_to_the_client(mobile_app):
    query = urlsplit(authorization_url(mobile_app, scope="nonsense")).query
    answer = Browser().post("/oauth/authorize", query, content_type="application/x-www-form-urlencoded")
    assert callback(answer)["error"] == "invalid_scope"


def test_a_decision_needs_the_token_of_our_form(alice, browser, mobile_app):
    """RFC 9700 §4.7: another site cannot send the decision."""
    page = browser.get(authorization_url(mobile_app))
    strict = Browser(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    interaction = form_fields(page.content)["interaction"]
    body = urlencode({"interaction": interaction, "decision": "allow"})
    answer = strict.post("/oauth/authorize", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 403
    assert not AuthorizationCode.objects.exists()


# --- a login within the same second (OpenID Connect Core §3.1.2.1)


@pytest.fixture
def in_one_second():
    """Moves the clock so that time continues, but a whole test stays within one second."""
    with time_machine.travel(timezone.now().replace(microsecond=1000), tick=False) as clock:
        yield clock


@pytest.mark.parametrize("fresh", [{"prompt": "login"}, {"max_age": "0"}])
def test_a_log_in_of_the_same_second_but_before_the_request_is_not_fresh(
    alice, signing_keys, mobile_app, in_one_second, fresh
):
    browser = Browser()
    browser.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    in_one_second.shift(0.3)
    asked = browser.get(authorization_url(mobile_app, **fresh))
    assert asked.status_code == 303, asked.content
    assert "/accounts/" in asked["Location"]
    in_one_second.shift(0.3)
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    way_back = parse_qs(urlsplit(asked["Location"]).query)["next"][0]
    assert browser.get(way_back).status_code == 200


def test_a_pushed_request_counts_from_when_this_browser_began(alice, signing_keys, web_app, in_one_second):
    web_app.token_endpoint_auth_method = "client_secret_post"
    web_app.save()
    request_uri = push(web_app, prompt="login").json()["request_uri"]
    in_one_second.shift(0.2)
    browser = Browser()
    browser.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    in_one_second.shift(0.2)
    query = urlencode({"client_id": web_app.client_id, "request_uri": request_uri})
    answer = browser.get(f"/oauth/authorize?{query}")
    assert answer.status_code == 303
    assert "/accounts/" in answer["Location"]
