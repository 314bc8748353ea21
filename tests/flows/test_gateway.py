"""An API behind nginx, which asks `/oauth/verify` about each request. The configuration is that of docs/gateways.md."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from config.server import ports
from tests.lib import dpop, nginx, servers
from tests.lib.document_blocks import blocks
from tests.lib.http_listener import HttpListener

pytestmark = pytest.mark.served

PATH = "/api/v1/orders"


@dataclass(frozen=True)
class Gateway:
    url: str
    issuer: str
    secret: str
    api: HttpListener

    def token(self, **headers: str) -> requests.Response:
        form = {"grant_type": "client_credentials", "scope": "accounts:read"}
        basic = ("demo-service", self.secret)
        return requests.post(f"{self.issuer}/oauth/token", form, auth=basic, headers=headers, timeout=60)

    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token().json()['access_token']}"}

    def ask(self, method: str = "GET", **headers: str) -> requests.Response:
        return requests.request(method, f"{self.url}{PATH}", headers=headers, timeout=60)


@pytest.fixture(scope="module")
def gateway(seeded: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    [configuration] = blocks((servers.ROOT / "docs/gateways.md").read_text(), language="nginx")
    data_dir, port = tmp_path_factory.mktemp("site"), servers.free_port()
    with servers.demo(data_dir, seeded, name="gateway") as server, HttpListener("orders") as api:
        site = server.url.replace("http://localhost", "127.0.0.1")
        for documented, here in {
            "127.0.0.1:8443": f"127.0.0.1:{port}", "127.0.0.1:9000": api.host, "127.0.0.1:8000": site,
        }.items():  # fmt: skip
            assert documented in configuration
            configuration = configuration.replace(documented, here)
        url = f"http://localhost:{port}"
        folder = tmp_path_factory.mktemp("nginx")
        with nginx.serving(folder, configuration, answers=lambda: not ports.is_free(port, "127.0.0.1")):
            secret = json.loads((data_dir / "clients.json").read_text())["demo-service"]["client_secret"]
            yield Gateway(url, server.url, secret, api)


def test_the_api_gets_the_identity_and_no_token(gateway: Gateway) -> None:
    answer = gateway.ask(**gateway.bearer())
    assert (answer.status_code, answer.json()) == (200, "orders")
    seen = gateway.api.received_headers[-1]
    assert (seen["X-Auth-Client"], seen["X-Auth-Scope"]) == ("demo-service", "accounts:read")
    assert "Authorization" not in seen


def test_a_client_cannot_name_itself(gateway: Gateway) -> None:
    forged = dict.fromkeys(("X-Auth-User", "x-auth-user", "X_Auth_User", "X-Auth-Client", "X-Auth-Subject", "X-Auth-Scope", "X-Auth-Details", "X-Auth-Acr", "X-Auth-Actor", "X-Auth-Time", "X-Auth-Expires-At"), "mallory")  # fmt: skip
    assert gateway.ask(**gateway.bearer(), **forged).status_code == 200
    assert "mallory" not in str(gateway.api.received_headers[-1])


def test_a_client_cannot_name_another_request(gateway: Gateway) -> None:
    forged = {"X-Original-URI": "/api/v1/other", "X-Forwarded-Uri": "/x", "X-Forwarded-Method": "GET"}
    assert gateway.ask(**gateway.bearer(), **forged).status_code == 200


def test_a_refusal_reaches_the_client_and_not_the_api(gateway: Gateway) -> None:
    before = gateway.api.requests
    nothing = gateway.ask()
    assert nothing.status_code == 401
    assert "/.well-known/oauth-protected-resource/api/v1" in nothing.headers["WWW-Authenticate"]
    writing = gateway.ask("POST", **gateway.bearer())
    assert writing.status_code == 403
    assert 'error="insufficient_scope"' in writing.headers["WWW-Authenticate"]
    assert gateway.api.requests == before


def test_a_bound_token_needs_its_proof_with_the_nonce_that_nginx_passes_on(gateway: Gateway) -> None:
    endpoint, api = f"{gateway.issuer}/oauth/token", f"{gateway.issuer}{PATH}"
    nonce = gateway.token(DPoP=dpop.proof(url=endpoint, without="nonce")).headers["DPoP-Nonce"]
    token = gateway.token(DPoP=dpop.proof(url=endpoint, nonce=nonce)).json()["access_token"]

    def ask(**claims: str) -> requests.Response:
        proof = dpop.proof(url=api, method="GET", token=token, **claims)
        return gateway.ask(Authorization=f"DPoP {token}", DPoP=proof)

    first = ask(without="nonce")
    assert first.status_code == 401
    assert 'error="use_dpop_nonce"' in first.headers["WWW-Authenticate"]
    assert ask(nonce=first.headers["DPoP-Nonce"]).status_code == 200
    assert ask(nonce=first.headers["DPoP-Nonce"], htu=f"{gateway.url}{PATH}").status_code == 401
    assert gateway.ask(Authorization=f"Bearer {token}").status_code == 401
