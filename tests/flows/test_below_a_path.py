"""The site below a path of its host, behind nginx: the issuer is `https://host/id` (RFC 8414 §3.1).

Authlib logs in, calls the API, refreshes and logs out. Another API, which is configured only with the issuer, accepts
the token.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session

from tests.lib import nginx, person, servers

pytestmark = pytest.mark.served

REDIRECT_URI = "http://localhost:3000/callback"
VERIFIER = "a-code-verifier-of-forty-three-characters-or-more"
PROXY = """
    proxy_set_header Host $http_host;
    listen 127.0.0.1:{port};
    location / {{ return 404 "another application"; }}
    location /id/ {{ proxy_pass {site}; }}
    location = /.well-known/oauth-authorization-server/id {{ proxy_pass {site}; }}
    location /.well-known/oauth-protected-resource/id/ {{ proxy_pass {site}; }}
"""
# An API on another machine: it fetches keys and status list, and has no Django.
OTHER_API = """
import json, sys
from oauth.resource_server import APIRequest, Refusal, configure, require_token
issuer, token = sys.argv[1:]
configure(ISSUER=issuer, AUDIENCES=[issuer + "/api/v1"], OUTBOUND_ALLOWED_HOSTS=["localhost"])
try:
    claims = require_token(APIRequest("GET", "/x", {"Authorization": "Bearer " + token}), "accounts:read").claims
    print(json.dumps({"client": claims.client_id}))
except Refusal as refusal:
    print(json.dumps({"refused": str(refusal.detail), "challenge": refusal.headers.get("WWW-Authenticate")}))
"""


@dataclass(frozen=True)
class Below:
    issuer: str
    site: str
    secrets: dict[str, str]


@pytest.fixture(scope="module")
def below(seeded: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Below]:
    port, data_dir = servers.free_port(), tmp_path_factory.mktemp("site")
    issuer = f"http://localhost:{port}/id"
    is_up = partial(servers.answers, f"{issuer}/health/live")
    with servers.demo(data_dir, seeded, name="below", OAUTH_ISSUER=issuer) as server:
        proxy = PROXY.format(port=port, site=server.url)
        with nginx.running(tmp_path_factory.mktemp("nginx"), proxy, answers=is_up):
            clients = json.loads((data_dir / "clients.json").read_text())
            secrets = {name: client.get("client_secret", "") for name, client in clients.items()}
            yield Below(issuer, server.url, secrets)


def at_root(url: str, well_known: str) -> str:
    """Returns the URL of the metadata by the rules of RFC 8414 §3.1 and RFC 9728 §3.1."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/.well-known/{well_known}{parts.path}"


def test_a_client_logs_in_calls_refreshes_and_logs_out(below: Below) -> None:
    api = f"{below.issuer}/api/v1"
    challenge = requests.get(f"{api}/accounts", timeout=60).headers["WWW-Authenticate"]
    assert at_root(api, "oauth-protected-resource") in challenge
    assert requests.get(at_root(api, "oauth-protected-resource"), timeout=60).json()["authorization_servers"] == [
        below.issuer
    ]
    metadata = requests.get(at_root(below.issuer, "oauth-authorization-server"), timeout=60).json()
    assert metadata["issuer"] == below.issuer
    assert metadata == requests.get(f"{below.issuer}/.well-known/openid-configuration", timeout=60).json()
    assert all(url.startswith(below.issuer) for name, url in metadata.items() if name.endswith(("_endpoint", "_uri")))

    session = OAuth2Session(
        "demo-web", below.secrets["demo-web"], scope="openid accounts:read", redirect_uri=REDIRECT_URI,
        code_challenge_method="S256",
    )  # fmt: skip
    url, state = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=VERIFIER)
    browser = requests.Session()
    callback = person.answer(url, returns_to=REDIRECT_URI, browser=browser)
    assert urlencode({"iss": below.issuer}) in callback
    token = session.fetch_token(
        metadata["token_endpoint"], authorization_response=callback, code_verifier=VERIFIER, state=state
    )
    accounts = session.get(f"{api}/accounts").json()["data"]
    assert len(accounts) >= 2
    session.refresh_token(metadata["token_endpoint"], token["refresh_token"])
    assert session.get(f"{api}/accounts").json()["data"] == accounts
    assert session.get(metadata["userinfo_endpoint"]).json()["sub"]

    # The other applications of the host do not get our cookies.
    assert {cookie.path for cookie in browser.cookies} == {"/id"}
    out = browser.get(
        f"{metadata['end_session_endpoint']}?{urlencode({'id_token_hint': token['id_token']})}", timeout=60
    )
    assert out.ok
    assert "You are logged out" in out.text
    with pytest.raises(Exception, match="invalid_grant"):
        session.refresh_token(metadata["token_endpoint"], token["refresh_token"])


def test_another_api_finds_the_keys_and_the_status_list(below: Below) -> None:
    session = OAuth2Session("demo-service", below.secrets["demo-service"], scope="accounts:read")
    token = session.fetch_token(f"{below.issuer}/oauth/token", grant_type="client_credentials")["access_token"]

    def ask(sent: str) -> dict:
        answer = subprocess.run(
            [sys.executable, "-c", OTHER_API, below.issuer, sent],
            cwd=servers.ROOT, capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        return json.loads(answer.stdout)

    assert ask(token) == {"client": "demo-service"}
    refused = ask(token[:-4] + "AAAA")
    assert at_root(f"{below.issuer}/api/v1", "oauth-protected-resource") in refused["challenge"]


def test_every_link_of_a_page_stays_below_the_path(below: Below) -> None:
    for path in (
        "/",
        "/accounts/login/",
        "/accounts/signup/",
        "/build",
        "/nothing",
        "/developers/guides",
        "/developers/guides/idempotency",
        "/api/docs",
    ):
        page = requests.get(f"{below.issuer}{path}", timeout=60).text
        assert 'href="/id/' in page
        for name in ("href", "src", "action"):
            assert f'{name}="/' not in page.replace(f'{name}="/id/', "")


@pytest.mark.parametrize("path", ["/oauth/jwks", "/health/ready", "/.well-known/openid-configuration"])
def test_a_proxy_may_strip_the_path(below: Below, path: str) -> None:
    def says(prefix: str) -> dict:
        told = requests.get(f"{below.site}{prefix}{path}", timeout=60).json()
        told.pop("clock_skew_seconds", None)
        return told

    servers.wait_until(lambda: says("") == says("/id"))  # the background worker may publish keys between two requests
    assert says("")
