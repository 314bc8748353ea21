"""CORS (WHATWG Fetch §3.2): browser apps can call every endpoint that uses no cookies, and read every answer."""

import re
from typing import Any

import pytest
from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client as Browser

from oauth import addresses
from oauth.conf import conf
from oauth.endpoints.par import PushedAuthorizationRequestEndpoint
from tests.lib.servers import ROOT

pytestmark = pytest.mark.django_db

PAGES = {"authorization_endpoint", "end_session_endpoint"}
ENDPOINTS = [path for name, path in addresses.ENDPOINTS.items() if name not in PAGES] + [
    "/oauth/register/client", "/oauth/grants/x", "/oauth/status/0", "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/api/v1", "/api/v1/accounts",
    "/api/v1/transfers/7", "/api/v1/nothing", "/api/schema",
]  # fmt: skip
ORIGIN = {"Origin": "https://app.example"}
SENT = (
    "authorization, baggage, cache-control, content-type, dpop, idempotency-key, if-none-match, mcp-protocol-version, "
    "mcp-session-id, pragma, prefer, sentry-trace, traceparent, x-fapi-auth-date, x-fapi-interaction-id, x-requested-with"
)
READ = {
    "dpop-nonce", "etag", "location", "ratelimit", "ratelimit-policy", "retry-after", "www-authenticate", "x-error-id",
}  # fmt: skip


def exposed(answer):
    return set(re.split(", *", answer["Access-Control-Expose-Headers"].lower()))


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_preflight_allows_what_clients_send(path, method):
    asked = {"access-control-request-method": method, "access-control-request-headers": SENT}
    answer = Browser().options(path, headers={**ORIGIN, **asked})
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert method in answer["Access-Control-Allow-Methods"]
    assert set(SENT.split(", ")) <= set(re.split(", *", answer["Access-Control-Allow-Headers"].lower()))
    assert "Access-Control-Allow-Credentials" not in answer


def test_a_preflight_allows_the_headers_that_sdks_and_tracers_add():
    """Fetch §4.8: without credentials, `*` allows every header except Authorization, which must be named."""
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "x-okta-user-agent-extended"}
    answer = Browser().options("/oauth/token", headers={**ORIGIN, **asked})
    assert {"*", "authorization"} <= set(re.split(", *", answer["Access-Control-Allow-Headers"].lower()))


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("method", ["get", "post"])
def test_every_answer_can_be_read(signing_keys, path, method):
    answer = getattr(Browser(raise_request_exception=False), method)(path, headers=ORIGIN)
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert exposed(answer) >= READ
    assert "origin" in answer["Vary"].lower()
    assert "Set-Cookie" not in answer
    silent = getattr(Browser(raise_request_exception=False), method)(path)
    assert "Access-Control-Allow-Origin" not in silent


@pytest.mark.parametrize(
    ("path", "status", "options"),
    [
        ("/oauth/token", 400, {"data": b"{}", "content_type": "application/json"}),
        (
            "/oauth/token",
            401,
            {"data": b"client_id=x&grant_type=x", "content_type": "application/x-www-form-urlencoded"},
        ),
        ("/oauth/token", 413, {"data": b"x" * 70_000, "content_type": "application/x-www-form-urlencoded"}),
        ("/oauth/register", 401, {"data": b"{}", "content_type": "application/json"}),
        ("/oauth/token?a=%00", 400, {}),
        ("/api/v1/transfers?a=%00", 400, {}),
        ("/api/v1/transfers", 401, {"data": b"{}", "content_type": "application/json"}),
        ("/api/v1/nothing", 404, {}),
        ("/oauth/token?a=" + "x" * 40_000, 414, {}),
    ],
)
def test_refusals_can_be_read(signing_keys, path, status, options):
    answer = Browser(raise_request_exception=False).post(path, headers=ORIGIN, **options)
    assert answer.status_code == status, answer.content
    assert answer["Access-Control-Allow-Origin"] == "*"


@pytest.mark.usefixtures("clock_stands")
def test_a_refusal_by_a_rate_limit_can_be_read(settings, signing_keys):
    settings.OAUTH = {**settings.OAUTH, "THROTTLE_SCALE": 0.0001}
    form = {"data": b"client_id=x&grant_type=x", "content_type": "application/x-www-form-urlencoded"}
    answers = [Browser().post("/oauth/token", headers=ORIGIN, **form) for _ in range(3)]
    assert answers[-1].status_code == 429
    assert answers[-1]["Access-Control-Allow-Origin"] == "*"
    assert answers[-1]["Retry-After"]


def test_an_answer_during_an_outage_can_be_read(monkeypatch, signing_keys):
    def fail(*_, **__):
        raise OperationalError("down")

    monkeypatch.setattr(PushedAuthorizationRequestEndpoint, "post", fail)
    answer = Browser(raise_request_exception=False).post("/oauth/par", headers=ORIGIN)
    assert answer.status_code == 503
    assert answer["Access-Control-Allow-Origin"] == "*"


def test_machine_endpoints_have_cors_and_pages_do_not():
    """Each machine endpoint has CORS, and no page has."""
    matches = re.compile(settings.CORS_URLS_REGEX).match
    assert all(bool(conf.is_machine_endpoint(path)) <= bool(matches(path)) for path in ENDPOINTS)
    assert not any(
        matches(path) for path in ("/oauth/authorize", "/oauth/logout", "/oauth/device", "/", "/api/docs", "/admin/")
    )


def test_the_settings_of_the_guide_allow_what_browser_apps_call(settings, rf):
    """docs/adopting.md, “Apps in a browser”: with these settings, each machine endpoint has CORS, and no page has."""
    section = (ROOT / "docs/adopting.md").read_text().partition("## Apps in a browser\n")[2]
    written: dict[str, Any] = {"INSTALLED_APPS": [], "MIDDLEWARE": ["first"]}
    exec(section.partition("```python\n")[2].partition("```")[0], written)
    assert written["MIDDLEWARE"] == ["corsheaders.middleware.CorsMiddleware", "first"]
    for name, value in written.items():
        if name.startswith("CORS_"):
            setattr(settings, name, value)
    answer = CorsMiddleware(lambda request: HttpResponse())
    for path in (path for path in ENDPOINTS if path not in {"/oauth/verify", "/api/schema"}):
        asked = answer(rf.options(path, headers={**ORIGIN, "access-control-request-method": "POST"}))
        assert (
            asked["Access-Control-Allow-Origin"] == answer(rf.get(path, headers=ORIGIN))["Access-Control-Allow-Origin"]
        )
        assert {"*", "authorization"} <= set(asked["Access-Control-Allow-Headers"].split(", "))
    for page in ("/oauth/authorize", "/oauth/logout", "/oauth/device", "/oauth/apps", "/", "/admin/", "/login/"):
        assert "Access-Control-Allow-Origin" not in answer(rf.get(page, headers=ORIGIN))
