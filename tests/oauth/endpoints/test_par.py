"""Pushed authorization requests (RFC 9126)."""

from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from oauth.models import Authorization, AuthorizationCode, PushedRequest
from tests.lib.hosts import on_host
from tests.lib.oauth_client import authorization_url, callback, decide
from tests.lib.par import page_of, push

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(web_app):
    web_app.token_endpoint_auth_method = "client_secret_post"
    web_app.save()
    return web_app


def test_a_pushed_request_is_answered_as_if_the_browser_had_carried_it(browser, web, token_endpoint):
    answer = push(web)
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    body = answer.json()
    assert body["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert 5 <= body["expires_in"] <= 600
    returned = callback(decide(browser, page_of(browser, web, body["request_uri"])))
    assert returned["state"] == "the-state"
    assert Authorization.objects.get().scopes == ["accounts:read"]


def test_what_the_browser_adds_changes_nothing(browser, web):
    """RFC 9126 §4."""
    request_uri = push(web).json()["request_uri"]
    page = page_of(
        browser, web, request_uri, scope="transfers:write", state="another", redirect_uri="https://evil.example/"
    )
    returned = callback(decide(browser, page))
    assert returned["state"] == "the-state"
    assert Authorization.objects.get().scopes == ["accounts:read"]


def test_a_request_uri_is_answered_once(browser, web):
    """RFC 9126 §7.3. Opening the page twice is not a use (§4): a second tab shows the page, but the request cannot be
    answered again.
    """
    request_uri = push(web).json()["request_uri"]
    tabs = [page_of(browser, web, request_uri) for _ in range(2)]
    assert "code" in callback(decide(browser, tabs[0]))
    for again in (decide(browser, tabs[1]), page_of(browser, web, request_uri)):
        assert again.status_code == 400
        assert b"invalid_request_uri" in again.content
    assert AuthorizationCode.objects.count() == 1


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_of_two_answers_at_once_one_counts(browser, web, decision):
    """A denial is an answer, too."""
    request_uri = push(web).json()["request_uri"]
    first, second = (page_of(browser, web, request_uri) for _ in range(2))
    assert decide(browser, first, "deny").status_code == 303
    assert decide(browser, second, decision).status_code == 400
    assert not AuthorizationCode.objects.exists()


def test_a_request_uri_expires_but_not_under_a_user_who_is_deciding(browser, web):
    request_uri = push(web).json()["request_uri"]
    page = page_of(browser, web, request_uri)
    with time_machine.travel(timezone.now() + timedelta(seconds=91)):
        assert page_of(browser, web, request_uri).status_code == 400
        call_command("cleanup")
        assert "code" in callback(decide(browser, page))
    push(web)
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        call_command("cleanup")
    assert not PushedRequest.objects.exists()


def test_a_request_uri_is_its_clients_alone(browser, web, mobile_app):
    request_uri = push(web).json()["request_uri"]
    assert page_of(browser, mobile_app, request_uri).status_code == 400
    assert page_of(browser, web, request_uri).status_code == 200  # the attempt of another client did not use it up


@pytest.mark.parametrize("request_uri", ["urn:ietf:params:oauth:request_uri:", "urn:ietf:params:oauth:request_uri:x"])
def test_an_unknown_request_uri_is_shown_not_redirected(browser, web, request_uri):
    assert page_of(browser, web, request_uri).status_code == 400


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"resource": "https://other.example/"}, "invalid_target"),
        ({"request": "e30.e30."}, "request_not_supported"),
    ],
)
def test_errors_are_told_to_the_client_itself(web, parameters, error):
    """RFC 9126 §2.3."""
    answer = push(web, **parameters)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert not PushedRequest.objects.exists()


def test_pushing_needs_the_clients_own_authentication(web):
    """RFC 9126 §2, ASVS 5.0 10.4.10."""
    assert push(web, secret="wrong").status_code == 401
    assert not PushedRequest.objects.exists()


def test_a_public_client_pushes_too(browser, mobile_app):
    request_uri = push(mobile_app).json()["request_uri"]
    assert "code" in callback(decide(browser, page_of(browser, mobile_app, request_uri)))


def test_a_client_that_must_push_is_refused_without(browser, web):
    """RFC 9126 §6: require_pushed_authorization_requests."""
    web.require_pushed_authorization_requests = True
    web.save()
    answer = callback(browser.get(authorization_url(web)))
    assert answer["error"] == "invalid_request"
    assert page_of(browser, web, push(web).json()["request_uri"]).status_code == 200


@pytest.mark.parametrize(("of_client", "of_browser"), [(0, 120), (-120, 0)])
def test_a_pushed_request_lives_as_long_on_every_host(browser, web, of_client, of_browser):
    with on_host(seconds_ahead=of_client):
        request_uri = push(web).json()["request_uri"]
    with on_host(seconds_ahead=of_browser):
        assert "code" in callback(decide(browser, page_of(browser, web, request_uri)))


def test_prompt_login_counts_from_when_the_user_is_asked(browser, web):
    request_uri = push(web, prompt="login").json()["request_uri"]
    with time_machine.travel(timezone.now() + timedelta(seconds=30)):
        assert page_of(browser, web, request_uri)["Location"].startswith("/accounts/reauthenticate/")
