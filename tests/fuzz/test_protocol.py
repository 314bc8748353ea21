"""No input causes a 500: Hypothesis over every parameter of every endpoint.

The normal test run tries a few examples, `make fuzz` ten thousand for each endpoint. Add a new endpoint to ENDPOINTS.
"""

import base64
import json
import os
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

import pytest
from django.core.management import call_command
from django.test import Client as Browser
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from oauth.conf import conf
from oauth.endpoints.metadata import document
from tests.lib.client_keys import ClientKey
from tests.lib.dpop import proof
from tests.lib.oauth_client import CHALLENGE, VERIFIER, allow

pytestmark = [pytest.mark.django_db, pytest.mark.simulation]

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))
# If a view raises an exception, the test client raises it, too, and the test reports it.
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
    derandomize="FUZZ_EXAMPLES" not in os.environ,
)
FORM = "application/x-www-form-urlencoded"
SECRETS = ("secret", "code", "refresh_token", "access_token", "id_token")

#: The values are percent-encoded, so that they include bytes that are not valid UTF-8.
NAUGHTY = [
    "", "%00", "a%00b", "%ED%A0%80", "%C0%AF", "%FF", "%E2%80%AE", "%0d%0aSet-Cookie:x", "%F0%9F%92%A9", "%C4%B1",
    "a" * 300, "a" * 5000, "a" * 70_000, "%2e%2e%2f", "'%20OR%201=1--", "%3Cscript%3Ealert(1)%3C/script%3E", "null", "true",
    "-1", "0", "1e400", "99999999999999999999", "NaN", "[]", "{}", "%7B%22a%22%3A1%7D", "[[[[" * 500, "%5B" * 2000,
    "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "." * 100, "http://[::1", "https://[" + "[" * 200, "javascript:alert(1)",
    "urn:ietf:params:oauth:request_uri:x", "openid%20openid", "%20", "+", "=", "&", ";", "%25", "%", "%zz", "\\",
]  # fmt: skip
values = st.one_of(
    st.sampled_from(NAUGHTY),
    st.text(max_size=40).map(lambda text: quote(text.encode("utf-8", "surrogatepass"))),
    st.binary(max_size=40).map(quote),
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["\ud800", "\x00"]),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)


@dataclass(frozen=True)
class Endpoint:
    """`valid` are values that lead deep into the code; `{code}` and the like are filled in by the test."""

    path: str
    valid: dict[str, list[str]]
    method: str = "post"
    is_page: bool = False
    headers: dict[str, list[str]] = field(default_factory=dict)


CLIENT = {"client_id": ["{client_id}"], "client_secret": ["{secret}"]}
ASSERTION = {
    "client_assertion_type": ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
    "client_assertion": ["{assertion}"],
}
AUTHORIZE = {
    "client_id": ["{client_id}"], "response_type": ["code", "token"], "redirect_uri": ["{redirect_uri}"],
    "scope": ["openid", "openid profile accounts:read"], "state": ["s"], "nonce": ["n"],
    "code_challenge": [CHALLENGE], "code_challenge_method": ["S256"],
    "response_mode": ["query", "form_post", "fragment", "jwt"], "prompt": ["none", "login", "consent", "select_account"],
    "max_age": ["0", "10"], "claims": ['{"id_token":{"email":null}}'], "acr_values": ["urn:countersign:acr:mfa"],
    "id_token_hint": ["{id_token}"], "login_hint": ["alice@example.test"], "ui_locales": ["de en"], "display": ["page"],
    "resource": ["{resource}"], "request": ["x"], "request_uri": ["urn:ietf:params:oauth:request_uri:x"], "dpop_jkt": ["x"],
    "authorization_details": [
        "[]", '[{"type":"account_information","actions":["accounts"]}]', '[{"type":"transfer"}]', '[{"type":1}]', "[[]]",
    ],
    "grant_id": ["{grant_id}"], "grant_management_action": ["create", "update", "replace", "x"], "choice-0": ["x"], "interaction": ["x"], "registration": ["{}"],
}  # fmt: skip
TOKEN = {
    **CLIENT, **ASSERTION,
    "grant_type": [
        "authorization_code", "refresh_token", "client_credentials", "password", "implicit",
        "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:openid:params:grant-type:ciba",
    ],
    "code": ["{code}"], "redirect_uri": ["{redirect_uri}"], "code_verifier": [VERIFIER],
    "refresh_token": ["{refresh_token}"], "scope": ["accounts:read"], "resource": ["{resource}"],
    "authorization_details": ["[]", '[{"type":"account_information"}]'],
    "device_code": ["x"], "auth_req_id": ["x"], "subject_token": ["{access_token}"], "audience": ["{resource}"],
    "subject_token_type": ["urn:ietf:params:oauth:token-type:access_token"], "actor_token": ["{access_token}"],
    "actor_token_type": ["urn:ietf:params:oauth:token-type:access_token"], "requested_token_type": ["x"],
}  # fmt: skip
AUTHORIZATION = {
    "HTTP_AUTHORIZATION": ["{basic}", "Bearer {access_token}", "DPoP {access_token}", "Bearer", "Basic !!!!", "Negotiate x"],
    "HTTP_DPOP": ["{proof}", "x", "a.b.c"],
}  # fmt: skip

ENDPOINTS = {
    "authorize": Endpoint("/oauth/authorize", AUTHORIZE, "get", is_page=True),
    "authorize by POST": Endpoint("/oauth/authorize", {**AUTHORIZE, "decision": ["allow", "deny"]}, is_page=True),
    "logout": Endpoint(
        "/oauth/logout",
        {
            "id_token_hint": ["{id_token}"],
            "client_id": ["{client_id}"],
            "post_logout_redirect_uri": ["https://x.example/"],
            "state": ["s"],
            "logout_hint": ["x"],
            "ui_locales": ["de"],
            "interaction": ["x"],
        },
        "get",
        is_page=True,
    ),
    "logout by POST": Endpoint(
        "/oauth/logout", {"id_token_hint": ["{id_token}"], "state": ["s"], "decision": ["logout"]}, is_page=True
    ),
    "device page": Endpoint("/oauth/device", {"user_code": ["BCDF-GHJK"], "decision": ["allow"]}, is_page=True),
    "connected apps": Endpoint("/oauth/apps", {"client_id": ["{client_id}"]}, is_page=True),
    "token": Endpoint("/oauth/token", TOKEN, headers=AUTHORIZATION),
    "par": Endpoint("/oauth/par", {**AUTHORIZE, **CLIENT, **ASSERTION}, headers=AUTHORIZATION),
    "revoke": Endpoint(
        "/oauth/revoke",
        {**CLIENT, "token": ["{access_token}", "{refresh_token}"], "token_type_hint": ["x"]},
        headers=AUTHORIZATION,
    ),
    "introspect": Endpoint(
        "/oauth/introspect",
        {**CLIENT, "token": ["{access_token}", "{refresh_token}"], "token_type_hint": ["x"]},
        headers={**AUTHORIZATION, "HTTP_ACCEPT": ["application/token-introspection+jwt", "*/*"]},
    ),
    "device_authorization": Endpoint(
        "/oauth/device_authorization",
        {**CLIENT, "scope": ["accounts:read"], "resource": ["{resource}"]},
        headers=AUTHORIZATION,
    ),
    "backchannel": Endpoint(
        "/oauth/backchannel_authentication",
        {
            **CLIENT,
            "scope": ["openid"],
            "login_hint": ["alice@example.test"],
            "id_token_hint": ["{id_token}"],
            "binding_message": ["W4SCT"],
            "acr_values": ["x"],
            "requested_expiry": ["60"],
            "request": ["a.b.c"],
            "client_notification_token": ["a" * 30],
            "resource": ["{resource}"],
        },
    ),
    "requests": Endpoint("/oauth/requests", {"request": ["x"], "decision": ["allow", "deny"]}, is_page=True),
    "grants": Endpoint("/oauth/grants", {}, "get", headers=AUTHORIZATION),
    "userinfo": Endpoint("/oauth/userinfo", {"access_token": ["{access_token}"]}, headers=AUTHORIZATION),
    "userinfo by GET": Endpoint("/oauth/userinfo", {"access_token": ["{access_token}"]}, "get", headers=AUTHORIZATION),
}


@st.composite
def requests(draw: st.DrawFn, endpoint: Endpoint) -> tuple[str, dict[str, str]]:
    """A query or body in which all but a few parameters are valid, and headers."""
    pairs = []
    for name, valid in endpoint.valid.items():
        kind = draw(st.sampled_from(["valid", "valid", "valid", "absent", "naughty", "twice"]))
        if kind == "absent":
            continue
        value = draw(values) if kind == "naughty" else quote_plus(draw(st.sampled_from(valid)), safe="{}")
        pairs.extend([(name, value)] * (2 if kind == "twice" else 1))
    if draw(st.booleans()):
        pairs.append((draw(st.sampled_from(["x", "a[]", "%00", "__proto__", "é"])), draw(values)))
    headers = {}
    for name, valid in endpoint.headers.items():
        kind = draw(st.sampled_from(["valid", "absent", "naughty"]))
        if kind != "absent":
            headers[name] = draw(st.sampled_from(valid)) if kind == "valid" else unquote(draw(values), "latin-1")
    return "&".join(f"{name}={value}" for name, value in pairs), headers


@pytest.fixture(autouse=True)
def _no_limits(settings):
    """Otherwise, most answers would be 429."""
    settings.OAUTH = {**settings.OAUTH, "THROTTLE_SCALE": 1e6}


@pytest.fixture
def world(browser, web_app, token_endpoint):
    """Real codes and tokens of a client that may do everything."""
    web_app.token_endpoint_auth_method = "client_secret_post"
    web_app.grant_types = TOKEN["grant_type"][:3] + TOKEN["grant_type"][5:]
    web_app.client_jwks = {"keys": [(key := ClientKey()).public]}
    web_app.save()
    form = {"client_id": web_app.client_id, "client_secret": web_app.secret}
    secret, web_app.secret = web_app.secret, ""
    redeemed = {"grant_type": "authorization_code", "code_verifier": VERIFIER, **form}
    code = allow(browser, web_app, scope="openid accounts:read")
    tokens = token_endpoint.post(code=code, **redeemed).json()
    return {
        "client_id": web_app.client_id, "secret": secret, "redirect_uri": "https://app.example/callback",
        "resource": conf.audiences[0], "code": allow(browser, web_app, scope="openid accounts:read"),
        "basic": "Basic " + base64.b64encode(f"{web_app.client_id}:{secret}".encode()).decode(),
        "assertion": key.assertion(web_app.client_id), "proof": proof(),
        **{name: tokens[name] for name in ("access_token", "refresh_token", "id_token", "grant_id")},
    }  # fmt: skip


def filled(text: str, world: dict[str, str]) -> str:
    for name, value in world.items():
        text = text.replace("{" + name + "}", value)
    return text


def send(browser: Browser, endpoint: Endpoint, encoded: str, headers: dict[str, str]) -> Any:
    if endpoint.method == "get":
        return browser.generic("GET", endpoint.path, QUERY_STRING=encoded, **headers)
    return browser.generic("POST", endpoint.path, encoded.encode(), content_type=FORM, **headers)


def check(answer: Any, endpoint: Endpoint) -> None:
    assert answer.status_code < 500, answer.content
    if answer.status_code in (302, 303):
        location = urlsplit(answer["Location"])
        if location.netloc:  # redirected only to the client
            assert (location.scheme, location.netloc, location.path) == ("https", "app.example", "/callback")
            assert "iss=" in location.query
        else:
            assert location.path.startswith(("/oauth/", "/accounts/")) or location.path == "/"
    elif endpoint.is_page:
        assert answer["Content-Type"].startswith(("text/html", "application/json"))
        assert b"<script>alert" not in answer.content
    elif answer.content:
        assert answer["Content-Type"].split(";")[0] in (
            "application/json", "application/jwt", "application/token-introspection+jwt",
        )  # fmt: skip
        if answer.status_code >= 400:
            body = answer.json()
            assert body["error"].isascii()
            assert body["error_description"]
    assert b"Traceback" not in answer.content


@pytest.mark.parametrize("name", ENDPOINTS)
def test_no_parameter_is_a_500(name, world, browser):
    endpoint = ENDPOINTS[name]
    browser.raise_request_exception = True

    @FUZZ
    @given(requests(endpoint))
    def run(request: tuple[str, dict[str, str]]) -> None:
        encoded, headers = request
        headers = {header: filled(value, world) for header, value in headers.items()}
        check(send(browser, endpoint, filled(encoded, {k: quote_plus(v) for k, v in world.items()}), headers), endpoint)

    run()


METADATA = [
    "redirect_uris", "grant_types", "response_types", "token_endpoint_auth_method", "jwks", "jwks_uri", "scope",
    "client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri", "contacts", "application_type",
    "post_logout_redirect_uris", "backchannel_logout_uri", "backchannel_logout_session_required", "subject_type",
    "sector_identifier_uri", "id_token_signed_response_alg", "userinfo_signed_response_alg", "default_max_age",
    "introspection_signed_response_alg", "require_pushed_authorization_requests", "dpop_bound_access_tokens",
    "default_acr_values", "token_endpoint_auth_signing_alg", "client_id", "client_secret", "software_statement",
]  # fmt: skip


def test_no_metadata_is_a_500(signing_keys, capsys):
    call_command("registration_token")
    token = capsys.readouterr().out.splitlines()[-1]
    browser = Browser()

    @FUZZ
    @given(st.dictionaries(st.sampled_from(METADATA), json_values, max_size=6) | json_values)
    def run(metadata: Any) -> None:
        given = (
            {"redirect_uris": ["https://rp.example/callback"], **metadata} if isinstance(metadata, dict) else metadata
        )
        answer = browser.generic(
            "POST", "/oauth/register", json.dumps(given), content_type="application/json",
            HTTP_AUTHORIZATION=f"Bearer {token}",
        )  # fmt: skip
        assert answer.status_code in (201, 400, 429), answer.content
        assert "error" in answer.json() or "client_id" in answer.json()

    run()


def test_every_endpoint_of_the_metadata_is_in_the_table(signing_keys):
    named = {urlsplit(url).path for name, url in document().items() if name.endswith("_endpoint")}
    assert named - {endpoint.path for endpoint in ENDPOINTS.values()} == {"/oauth/register"}
