"""Strangers can make the server write only a limited number of rows: audit events, stored requests, sessions."""

import json
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
import time_machine
from django.contrib.sessions.models import Session as BrowserSession
from django.core.management import call_command
from django.test import Client as Browser
from django.utils import timezone

from oauth.models import AuditEvent, PushedRequest, RefusalCount, StoredInteraction, refusal_count
from oauth.parameters import LONGEST
from tests.lib.oauth_client import CHALLENGE, authorization_url, callback

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock_stands")]
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def _the_middle_of_a_minute():
    with time_machine.travel(timezone.now().replace(minute=30, second=20, microsecond=0), tick=False):
        yield


@pytest.fixture
def few(settings):
    """Scales the limits, so that a limit of 300 becomes 3."""
    settings.OAUTH = {**settings.OAUTH, "THROTTLE_SCALE": 0.01}


def refusals(**values):
    return AuditEvent.objects.filter(action="refused", **values).count()


def post(path, address="192.0.2.1", **form):
    return Browser().post(path, urlencode(form), content_type=FORM, REMOTE_ADDR=address)


@pytest.mark.parametrize(
    "path", ["token", "par", "introspect", "revoke", "device_authorization", "authorize", "logout"]
)
def test_refusals_of_strangers_are_counted_and_no_events(path, token_endpoint, monkeypatch):
    monkeypatch.setattr(refusal_count, "_SECONDS", 3600)
    for number in range(45):
        post(f"/oauth/{path}", f"192.0.2.{number}", client_id=f"nobody-{number}", grant_type="client_credentials")
    assert refusals() == 0
    [row] = RefusalCount.objects.all()
    assert (row.network, row.endpoint in (path, "introspection", "revocation")) == ("192.0.2.0/24", True)
    assert row.count == 41  # the remaining counts are still in memory


def test_a_count_is_written_at_once_then_together(monkeypatch):
    clock = iter([1000.0, 1001.0, 1002.0, 1011.0, 1012.0])
    # Patched in that module only, because threads of the connection pool use the clock, too.
    monkeypatch.setattr(refusal_count, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    written = []
    for _ in range(5):
        RefusalCount.add("token", "invalid_client", "192.0.2.0/24")
        written.append(RefusalCount.objects.get().count)
    assert written == [1, 1, 1, 4, 4]


def test_every_refusal_of_a_client_that_proved_itself_is_an_event(service, token_endpoint):
    for _ in range(60):
        token_endpoint.post(service, grant_type="client_credentials", scope="nonsense")
    assert refusals(client=service.client_id, error="invalid_scope") == 60
    assert not RefusalCount.objects.exists()


def test_refusals_in_the_name_of_a_public_client_are_events_up_to_a_limit(mobile_app, token_endpoint):
    for _ in range(50):
        post("/oauth/token", client_id=mobile_app.client_id, refresh_token="x", grant_type="refresh_token")
    assert refusals(client=mobile_app.client_id, error="invalid_grant") == 30
    assert RefusalCount.objects.get().count == 1  # and 19 are still in memory


def test_guesses_of_a_secret_are_events_up_to_a_limit(web_app, token_endpoint):
    """The limit applies over all addresses together."""
    for number in range(320):
        form = {"client_id": web_app.client_id, "client_secret": "x", "grant_type": "refresh_token"}
        post("/oauth/token", f"192.0.{number // 250}.{number % 250}", **form)
    assert refusals(client=web_app.client_id, error="invalid_client") == 300


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("method", ["get", "post"])
def test_strangers_start_so_many_authorizations(mobile_app, signing_keys, method):
    path, _, query = authorization_url(mobile_app).partition("?")

    def ask(address):
        if method == "get":
            return Browser().get(f"{path}?{query}", REMOTE_ADDR=address)
        return Browser().post(path, query, content_type=FORM, REMOTE_ADDR=address)

    answers = [ask("192.0.2.1") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [303] * 3 + [429] * 3
    assert answers[-1]["Retry-After"] == "40"
    assert PushedRequest.objects.count() + StoredInteraction.objects.count() == 3
    assert ask("198.51.100.1").status_code == 303


@pytest.mark.usefixtures("few")
def test_a_user_has_a_limit_of_their_own(browser, mobile_app):
    statuses = [Browser().get(authorization_url(mobile_app)).status_code for _ in range(4)]
    assert statuses[-1] == 429
    assert browser.get(authorization_url(mobile_app)).status_code == 200


@pytest.mark.usefixtures("few")
def test_strangers_push_so_many_requests_whichever_public_client_they_name(mobile_app, signing_keys):
    form = {"client_id": mobile_app.client_id, "redirect_uri": "https://app.example/callback", "scope": "accounts:read",
            "response_type": "code", "code_challenge": CHALLENGE, "code_challenge_method": "S256"}  # fmt: skip
    assert [post("/oauth/par", **form).status_code for _ in range(5)] == [201] * 3 + [429] * 2
    assert PushedRequest.objects.count() == 3


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    "path", ["/oauth/logout", "/oauth/device", "/oauth/apps", "/accounts/signup/", "/admin/login/"]
)
def test_strangers_send_so_many_forms(path):
    assert [post(path).status_code for _ in range(5)][3:] == [429, 429]


@pytest.mark.parametrize("name", LONGEST)
def test_stored_parameters_have_a_maximum_length(web_app, signing_keys, name):
    long = {"authorization_details": json.dumps([{"x": "y" * LONGEST[name]}]), "claims": json.dumps({"x": "y" * 9000}),
            "redirect_uri": f"https://app.example/callback?{'x' * 3000}"}.get(name, "x" * (LONGEST[name] + 1))  # fmt: skip
    answer = Browser().get(authorization_url(web_app, **{name: long}))
    if name == "redirect_uri":
        assert answer.status_code == 400
    else:
        assert callback(answer)["error"] == "invalid_request"
    assert not BrowserSession.objects.exists()


def test_the_parameters_of_a_logout_have_a_maximum_size(web_app):
    web_app.post_logout_redirect_uris = "https://app.example/bye"
    web_app.save()
    form = {"client_id": web_app.client_id, "post_logout_redirect_uri": "https://app.example/bye"}
    assert post("/oauth/logout", **form, state="x" * 2048).status_code == 303
    long = post("/oauth/logout", **form, state="x" * 2049)
    page = Browser().get(long["Location"])
    assert page.status_code == 200  # the test skips the redirect back, so that no interaction is stored
    assert b"You are logged out" in page.content


def test_expired_browser_sessions_and_old_counts_go(browser, mobile_app):
    Browser().get(authorization_url(mobile_app))
    RefusalCount.add("token", "invalid_client", "192.0.2.0/24")
    assert (BrowserSession.objects.count(), StoredInteraction.objects.count()) == (1, 1)
    call_command("cleanup")
    assert (BrowserSession.objects.count(), RefusalCount.objects.count()) == (1, 1)
    with time_machine.travel(timezone.now() + timedelta(hours=13)):
        call_command("cleanup")
    assert (BrowserSession.objects.count(), RefusalCount.objects.count()) == (0, 1)
    assert not StoredInteraction.objects.exists()
    with time_machine.travel(timezone.now() + timedelta(days=91)):
        call_command("cleanup")
    assert RefusalCount.objects.count() == 0
