"""The paths of machine endpoints, and the headers of their answers, with the fast path and without."""

import re

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import translation
from rest_framework.views import APIView

from oauth.conf import conf
from oauth.endpoints.protocol import ProtocolEndpoint
from oauth.fast_path.machine_middleware import MachineMiddleware

# A request to each view, with what it needs to be answered.
MACHINE_ENDPOINTS = [
    ("get", "/.well-known/oauth-authorization-server"),
    ("get", "/.well-known/oauth-protected-resource"),
    ("get", "/.well-known/nothing"),
    ("get", "/oauth/jwks"),
    ("get", "/oauth/status/0"),
    ("post", "/oauth/token"),
    ("post", "/oauth/introspect"),
    ("post", "/oauth/revoke"),
    ("post", "/oauth/par"),
    ("get", "/oauth/userinfo"),
    ("post", "/oauth/register"),
    ("post", "/oauth/device_authorization"),
    ("post", "/oauth/backchannel_authentication"),
    ("get", "/oauth/grants/1"),
    ("get", "/api/v1/accounts"),
    ("get", "/api/v1/nothing"),
]
PAGES = ["/", "/accounts/login/", "/oauth/authorize", "/oauth/device", "/oauth/apps", "/oauth/logout", "/admin/login/"]


def _views(resolver: URLResolver, prefix: str = "") -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for one in resolver.url_patterns:
        pattern = re.sub(r"<[^>]+>", "1", f"{prefix}{one.pattern}").lstrip("^")
        if isinstance(one, URLPattern):
            found.append((f"/{pattern}", getattr(one.callback, "view_class", getattr(one.callback, "cls", None))))
        else:
            found += _views(one, pattern)
    return found


def test_the_machine_endpoints_are_those_of_the_protocol_and_the_api_and_nothing_else():
    """These paths have no CSRF check, so none of their views may read a cookie."""
    views = _views(get_resolver())
    for address, view in views:
        is_endpoint = isinstance(view, type) and issubclass(view, (ProtocolEndpoint, APIView))
        is_ours = address.startswith(("/oauth/", "/.well-known/", "/api/v1/"))
        # Resource metadata, and a redirect to the page for a new password.
        is_function = address.startswith(("/.well-known/oauth-protected-resource", "/.well-known/change-password"))
        assert bool(conf.is_machine_endpoint(address)) == ((is_endpoint and is_ours) or is_function), address
    assert sum(bool(conf.is_machine_endpoint(address)) for address, _ in views) > 25


@pytest.mark.parametrize(("method", "address"), MACHINE_ENDPOINTS)
def test_a_machine_endpoint_answers_with_every_header_it_needs(client, db, method, address):
    response = getattr(client, method)(address, headers={"origin": "https://app.example"})
    assert re.fullmatch(r"[0-9a-f]{32}", response["X-Request-Id"])
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert response["Referrer-Policy"] in ("no-referrer", "same-origin")
    assert int(response["Content-Length"]) == len(response.content)
    assert "Cookie" not in response.get("Vary", "")
    is_called_by_browsers = re.match(settings.CORS_URLS_REGEX, address) is not None
    assert response.has_header("Access-Control-Allow-Origin") == is_called_by_browsers


@pytest.mark.parametrize(("method", "address"), [("post", "/oauth/token"), ("get", "/api/v1/accounts")])
def test_a_proof_is_answered_with_a_nonce(client, db, method, address):
    """RFC 9449 §8.2, §9."""
    assert getattr(client, method)(address, headers={"dpop": "x"})["DPoP-Nonce"]


def test_a_preflight_is_answered_without_a_view(client):
    headers = {"origin": "https://app.example", "access-control-request-method": "POST"}
    response = client.options("/oauth/token", headers=headers)
    assert response.status_code == 200
    assert "dpop" in response["Access-Control-Allow-Headers"]


def test_a_site_without_settings_for_cors_has_no_cors(settings, rf):
    """oauth/fast_path/README.md: the middleware needs django-cors-headers, but none of its settings."""
    for name in ("CORS_ALLOW_ALL_ORIGINS", "CORS_ALLOW_CREDENTIALS", "CORS_URLS_REGEX"):
        delattr(settings, name)
    answer = MachineMiddleware(lambda request: HttpResponse())
    assert not answer(rf.get("/oauth/jwks", headers={"origin": "https://app.example"})).has_header(
        "Access-Control-Allow-Origin"
    )
    assert answer(rf.get("/oauth/jwks")).status_code == 200


@pytest.mark.parametrize("address", PAGES)
def test_pages_keep_the_whole_chain(client, db, address):
    response = client.get(address)
    assert "'nonce-" in response["Content-Security-Policy"] or "script-src" in response["Content-Security-Policy"]
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["X-Request-Id"]


@pytest.mark.parametrize("address", ["/oauth/token", "/api/v1/accounts", "/.well-known/openid-configuration"])
class TestAtTheDoor:
    def test_an_unknown_host_is_refused_in_the_callers_form(self, client, address):
        response = client.get(address, headers={"host": "evil.example"})
        assert response.status_code == 400
        assert b"evil.example" not in response.content
        assert "json" in response["Content-Type"]
        assert response["X-Request-Id"]

    def test_plain_http_is_sent_to_https(self, client, settings, address):
        settings.SECURE_SSL_REDIRECT = True
        response = client.get(address)
        assert (response.status_code, response["Location"]) == (301, f"https://testserver{address}")

    def test_https_is_said_to_be_for_good(self, client, settings, address):
        settings.SECURE_HSTS_SECONDS = 1000
        assert client.get(address, secure=True)["Strict-Transport-Security"].startswith("max-age=1000")

    def test_the_callers_request_id_is_kept_if_it_is_one(self, client, db, address):
        given = "0f" * 16
        assert client.get(address, headers={"x-request-id": given})["X-Request-Id"] == given
        assert client.get(address, headers={"x-request-id": "<script>"})["X-Request-Id"] != "<script>"


@pytest.fixture
def hosts(rf, settings):
    """Returns a function that sends requests with these hosts through one middleware and returns their status codes;
    `hosts.known` are the hosts that it remembers.
    """
    middleware = MachineMiddleware(lambda request: HttpResponse())

    def ask(*names, **headers):
        return [middleware(rf.get("/oauth/jwks", headers={"host": name, **headers})).status_code for name in names]

    settings.ALLOWED_HOSTS = [".example"]
    ask.known = middleware.known_hosts
    return ask


def test_an_allowed_host_allows_no_other_host(hosts):
    assert hosts("bank.example", "bank.example", "evil.test", "evil.test", "bank.example:8443", "bank.example") == [
        200, 200, 400, 400, 200, 200,
    ]  # fmt: skip


def test_many_different_hosts_do_not_make_the_cache_grow(hosts):
    many = [f"bank.example:{number}" for number in range(1, 2 * MachineMiddleware.MAX_HOSTS)]
    assert set(hosts(*many)) == {200}
    assert hosts("bank.example", "one-more.test") == [200, 400]
    assert "bank.example" in hosts.known
    assert len(hosts.known) <= MachineMiddleware.MAX_HOSTS


def test_where_a_proxy_names_the_host_what_it_names_counts(hosts, settings):
    settings.USE_X_FORWARDED_HOST = True
    assert hosts("bank.example") == [200]
    assert hosts("bank.example", **{"x-forwarded-host": "evil.test"}) == [400]
    assert not hosts.known


def test_a_page_in_another_language_changes_nothing_for_the_machine_endpoint_after_it(client, db):
    client.get("/accounts/login/", headers={"accept-language": "de"})
    client.get("/oauth/jwks")
    assert translation.get_language() == settings.LANGUAGE_CODE
