"""An API behind each gateway of deploy/gateways, which asks `/oauth/verify` about each request. See test_gateway for
nginx. A gateway whose program is not on the PATH is skipped."""

import json
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.lib import certificates, dpop, nginx, servers
from tests.lib.document_blocks import blocks
from tests.lib.http_listener import HttpListener

pytestmark = pytest.mark.served

PATH = "/api/v1/orders"
FILES = servers.ROOT / "deploy/gateways"
SECRET = "a-secret-of-the-proxies-that-no-client-knows"
CA = certificates.authority()
ATLAS = certificates.make("CN=atlas,O=Example", by=CA)
OTHER = certificates.make("CN=other,O=Example", by=CA)
HERE = certificates.of_localhost(CA)

#: The main configuration file of each gateway, and the arguments of its program.
GATEWAYS = {
    "haproxy": ("haproxy.cfg", ["-db", "-f"]),
    "caddy": ("Caddyfile", ["run", "--adapter", "caddyfile", "--config"]),
    "traefik": ("traefik.yaml", ["--configfile"]),
    "envoy": ("envoy.yaml", ["--log-level", "warning", "--concurrency", "1", "--disable-hot-restart", "-c"]),
}
#: Traefik does not pass certificates on, so certificate-bound tokens are refused there.
WITH_CERTIFICATES = ("haproxy", "caddy", "envoy")
#: These also pass on a new DPoP nonce with the answer of the API.
WITH_NONCES_OF_SUCCESS = ("haproxy", "envoy")


@dataclass(frozen=True)
class Site:
    url: str
    secret: str
    atlas: str
    folder: Path

    def token(self, **headers: str) -> requests.Response:
        form = {"grant_type": "client_credentials", "scope": "accounts:read"}
        basic = ("demo-service", self.secret)
        return requests.post(f"{self.url}/oauth/token", form, auth=basic, headers=headers, timeout=60)

    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token().json()['access_token']}"}

    def bound_to_certificate(self) -> str:
        """Sends the certificate in a header, as a proxy does."""
        form = {"grant_type": "client_credentials", "client_id": self.atlas}
        headers = {"Forwarded": f'for="127.0.0.1";proto=http;cert="{ATLAS.header}";by=_{SECRET}'}
        answer = requests.post(f"{self.url}/oauth/token", form, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


@dataclass(frozen=True)
class Gateway:
    name: str
    url: str
    site: Site
    api: HttpListener

    def ask(self, method: str = "GET", *, path: str = PATH, cert: str = "", **headers: str) -> requests.Response:
        folder = self.site.folder
        pair = (str(folder / f"{cert}.pem"), str(folder / f"{cert}.key")) if cert else None
        return requests.request(
            method, f"{self.url}{path}", headers=headers, cert=pair, verify=str(folder / "ca.pem"), timeout=60
        )


@pytest.fixture(scope="module")
def site(seeded: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("certificates")
    for name, pair in {"ca": CA, "atlas": ATLAS, "other": OTHER, "api": HERE}.items():
        (folder / f"{name}.pem").write_text(pair.pem)
        (folder / f"{name}.key").write_text(pair.key_pem)
    (folder / "api-with-key.pem").write_text(HERE.pem + HERE.key_pem)
    environment = {
        "MUTUAL_TLS": "1", "TRUSTED_PROXIES": "127.0.0.1", "PROXY_SECRETS": SECRET,
        "CLIENT_CERTIFICATE_AUTHORITIES": CA.pem,
    }  # fmt: skip
    data_dir = tmp_path_factory.mktemp("site")
    with servers.demo(data_dir, seeded, name="gateways", **environment) as server:
        secret = json.loads((data_dir / "clients.json").read_text())["demo-service"]["client_secret"]
        yield Site(server.url, secret, registered(server), folder)


def registered(server: servers.Server) -> str:
    """A service whose tokens are bound to its certificate."""
    metadata = {
        "client_name": "Account Atlas", "grant_types": ["client_credentials"], "scope": "accounts:read",
        "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=atlas,O=Example",
        "tls_client_certificate_bound_access_tokens": True,
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {server.registration_token()}"}
    answer = requests.post(f"{server.url}/oauth/register", json=metadata, headers=headers, timeout=60)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["client_id"])


@contextmanager
def running(name: str, folder: Path, site: Site, *, verifies_at: str, api: HttpListener) -> Iterator[str]:
    """Runs the gateway with its shipped file, in which only addresses, paths and the secret are changed. Yields its
    URL.
    """
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not on the PATH")
    port = servers.free_port()
    there = {
        "127.0.0.1:8443": f"127.0.0.1:{port}", "localhost:8443": f"localhost:{port}", "127.0.0.1:9000": api.host,
        "port_value: 8443": f"port_value: {port}", "port_value: 9000": f"port_value: {api.port}",
        "127.0.0.1:8000": verifies_at, "port_value: 8000": f"port_value: {verifies_at.rsplit(':', 1)[1]}",
        "A_SECRET_OF_32_CHARACTERS_OR_MORE": SECRET, "/etc/gateway/authorities.pem": str(site.folder / "ca.pem"),
        "/etc/gateway/api": str(site.folder / "api"), "/etc/gateway": str(folder),
        # A busy machine is not an outage.
        "TIMEOUT_MILLISECONDS = 2000": "TIMEOUT_MILLISECONDS = 60000", "timeout: 2s": "timeout: 60s",
        "timeout connect 2s": "timeout connect 60s", "connect_timeout: 1s": "connect_timeout: 60s",
    }  # fmt: skip
    for file in FILES.iterdir():
        text = file.read_text()
        for documented, here in there.items():
            text = text.replace(documented, here)
        (folder / file.name).write_text(text)
    main, arguments = GATEWAYS[name]
    with (folder / "log").open("wb") as log:
        environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
        process = subprocess.Popen(
            [program, *arguments, str(folder / main)], stdout=log, stderr=log, cwd=folder, env=environment
        )
    try:
        servers.wait_until(lambda: process.poll() is not None or speaks_tls(port, site.folder / "ca.pem"))
        assert process.poll() is None, (folder / "log").read_text()
        yield f"https://localhost:{port}"
    finally:
        process.terminate()
        process.wait(servers.PATIENCE_SECONDS)


def speaks_tls(port: int, authority: Path) -> bool:
    """Whether the gateway answers with its own certificate: Traefik listens before it has loaded the certificate."""
    try:
        with socket.create_connection(("127.0.0.1", port), 60) as raw:
            ssl.create_default_context(cafile=authority).wrap_socket(raw, server_hostname="localhost").close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module", params=GATEWAYS)
def gateway(request: pytest.FixtureRequest, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    name, verifies_at = request.param, site.url.replace("http://localhost", "127.0.0.1")
    with (
        HttpListener("orders") as api,
        running(name, tmp_path_factory.mktemp(name), site, verifies_at=verifies_at, api=api) as url,
    ):
        yield Gateway(name, url, site, api)


def test_the_api_gets_the_identity_and_no_token(gateway: Gateway) -> None:
    answer = gateway.ask(**gateway.site.bearer())
    assert (answer.status_code, answer.json()) == (200, "orders")
    seen = gateway.api.received_headers[-1]
    assert (seen["X-Auth-Client"], seen["X-Auth-Scope"]) == ("demo-service", "accounts:read")
    assert not seen["Authorization"]


NAMES = ("User", "Client", "Subject", "Scope", "Details", "Acr", "Actor", "Time", "Expires-At")
SPELLINGS = ("X-Auth-{}", "x-auth-{}", "X_Auth_{}", "X-Auth_{}", "X_Auth-{}")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_client_cannot_name_itself(gateway: Gateway, spelling: str) -> None:
    """The request is refused, or the client's headers do not reach the API."""
    before = gateway.api.requests
    answer = gateway.ask(**gateway.site.bearer(), **{spelling.format(name): "mallory" for name in NAMES})
    if gateway.api.requests == before:
        assert answer.status_code == 400
        assert "_" in spelling
    assert "mallory" not in str([list(seen.items()) for seen in gateway.api.received_headers[before:]])


def test_a_refusal_reaches_the_client_and_not_the_api(gateway: Gateway) -> None:
    before = gateway.api.requests
    nothing = gateway.ask()
    assert nothing.status_code == 401
    assert "/.well-known/oauth-protected-resource/api/v1" in nothing.headers["WWW-Authenticate"]
    writing = gateway.ask("POST", **gateway.site.bearer())
    assert writing.status_code == 403
    assert 'error="insufficient_scope"' in writing.headers["WWW-Authenticate"]
    assert gateway.ask(Authorization="Bearer nonsense").status_code == 401
    assert gateway.api.requests == before


def bound(gateway: Gateway) -> str:
    endpoint = f"{gateway.site.url}/oauth/token"
    nonce = gateway.site.token(DPoP=dpop.proof(url=endpoint, without="nonce")).headers["DPoP-Nonce"]
    return str(gateway.site.token(DPoP=dpop.proof(url=endpoint, nonce=nonce)).json()["access_token"])


def test_a_bound_token_needs_its_proof_for_the_request_as_the_client_sent_it(gateway: Gateway) -> None:
    """RFC 9449 §7.1, §9: with the nonce that the gateway passes on."""
    token = bound(gateway)

    def ask(path: str = PATH, forged: dict[str, str] | None = None, **claims: Any) -> requests.Response:
        url = f"{gateway.site.url}{claims.pop('proven', path.partition('?')[0])}"
        proof = dpop.proof(url=url, method="GET", token=token, **claims)
        return gateway.ask(path=path, Authorization=f"DPoP {token}", DPoP=proof, **forged or {})

    first = ask(without="nonce")
    assert first.status_code == 401
    assert 'error="use_dpop_nonce"' in first.headers["WWW-Authenticate"]
    nonce = first.headers["DPoP-Nonce"]
    assert ask(nonce=nonce).status_code == 200
    assert ask(f"{PATH}?page=2&q=%2Fx", nonce=nonce).status_code == 200
    assert ask(f"{PATH}/a%20b", nonce=nonce).status_code == 200
    assert ask(nonce=nonce, proven="/api/v1/other").status_code == 401
    assert ask(nonce=nonce, htm="POST").status_code == 401
    assert ask(nonce=nonce, htu=f"{gateway.url}{PATH}").status_code == 401
    assert gateway.ask(Authorization=f"Bearer {token}").status_code == 401
    # Headers with which the client describes another request have no effect.
    for names in (("X-Original-URI", "X-Original-Method"), ("X-Forwarded-Uri", "X-Forwarded-Method"),
                  ("X_Original_URI", "X_Original_Method"), ("X_Forwarded_Uri", "X_Forwarded_Method"),
                  ("X-Forwarded_Uri", "X-Forwarded_Method"), ("X_Forwarded-Uri", "X_Forwarded-Method"),
                  ("X-Verify-Scope", "X-Verify-Audience")):  # fmt: skip
        forged = dict(zip(names, ("/api/v1/other", "GET"), strict=True))
        assert ask(nonce=nonce, proven="/api/v1/other", forged=forged).status_code in (400, 401), names
        assert ask(nonce=nonce, forged=forged).status_code in (200, 400), names


def test_a_token_that_is_bound_to_a_certificate_needs_it(gateway: Gateway) -> None:
    """RFC 8705 §3. The client cannot send the certificate of somebody else in a header."""
    bearer = {"Authorization": f"Bearer {gateway.site.bound_to_certificate()}"}
    expected = 200 if gateway.name in WITH_CERTIFICATES else 401
    assert gateway.ask(cert="atlas", **bearer).status_code == expected
    assert gateway.ask(cert="other", **bearer).status_code == 401
    assert gateway.ask(**bearer).status_code == 401
    for forged in (f'cert="{ATLAS.header}"', f'for="127.0.0.1";cert="{ATLAS.header}";by=_{SECRET}'):
        assert gateway.ask(**bearer, Forwarded=forged).status_code == 401


def test_two_tokens_are_none(gateway: Gateway) -> None:
    """RFC 9110 §5.3: the server and the gateway could read different ones."""
    token = gateway.site.token().json()["access_token"]
    host, port = gateway.url.removeprefix("https://").split(":")
    context = ssl.create_default_context(cafile=gateway.site.folder / "ca.pem")
    before = gateway.api.requests
    with socket.create_connection((host, int(port)), 60) as raw, context.wrap_socket(raw, server_hostname=host) as line:
        lines = [f"GET {PATH} HTTP/1.1", f"Host: {host}:{port}", f"Authorization: Bearer {token}",
                 "Authorization: Bearer another", "Connection: close", "", ""]  # fmt: skip
        line.sendall("\r\n".join(lines).encode())
        status = int(line.recv(4096).split()[1])
    assert status in (400, 401)
    assert gateway.api.requests == before


@pytest.mark.parametrize("name", GATEWAYS)
def test_while_nobody_can_be_asked_nothing_passes(
    name: str, site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    nobody = f"127.0.0.1:{servers.free_port()}"
    with (
        HttpListener("orders") as api,
        running(name, tmp_path_factory.mktemp(name), site, verifies_at=nobody, api=api) as url,
    ):
        answer = Gateway(name, url, site, api).ask(**site.bearer())
        assert 500 <= answer.status_code < 600
        assert api.requests == 0


@pytest.mark.parametrize("name", GATEWAYS)
def test_a_server_that_cannot_check_lets_nothing_pass(
    name: str, site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with HttpListener("orders") as api, HttpListener({}, 503) as away:
        away.headers["Retry-After"] = "2"
        with running(name, tmp_path_factory.mktemp(name), site, verifies_at=away.host, api=api) as url:
            answer = Gateway(name, url, site, api).ask(**site.bearer())
            assert answer.status_code == 503
            assert away.requests > 0
            assert api.requests == 0


def test_nginx_passes_the_certificate_on(site: Site, tmp_path: Path) -> None:
    """The file of docs/gateways.md with the two directives of docs/operating.md, “Behind a proxy”. RFC 8705 §3."""
    [configuration] = blocks((servers.ROOT / "docs/gateways.md").read_text(), language="nginx")
    text = (servers.ROOT / "docs/operating.md").read_text()
    [asks, forwards] = re.findall(
        r"^(ssl_verify_client optional_no_ca;).*\n(proxy_set_header Forwarded .*cert=.*;)$", text, re.M
    )[0]
    port = servers.free_port()
    tls = f"ssl_certificate {site.folder}/api.pem; ssl_certificate_key {site.folder}/api.key; {asks}"
    with HttpListener("orders") as api:
        for documented, here in {
            "listen 127.0.0.1:8443;": f"listen 127.0.0.1:{port} ssl; {tls}", "127.0.0.1:9000": api.host,
            "127.0.0.1:8000": site.url.replace("http://localhost", "127.0.0.1"),
            "proxy_pass_request_body off;": f"proxy_pass_request_body off; {forwards.replace('THE_SECRET', SECRET)}",
        }.items():  # fmt: skip
            assert documented in configuration
            configuration = configuration.replace(documented, here)
        with nginx.serving(tmp_path, configuration, answers=lambda: speaks_tls(port, site.folder / "ca.pem")):
            one = Gateway("nginx", f"https://localhost:{port}", site, api)
            bearer = {"Authorization": f"Bearer {site.bound_to_certificate()}"}
            asked = [one.ask(cert="atlas", **bearer), one.ask(cert="other", **bearer), one.ask(**bearer)]
            assert [answer.status_code for answer in asked] == [200, 401, 401]
            forged = f'for="127.0.0.1";cert="{ATLAS.header}";by=_{SECRET}'
            assert one.ask(**bearer, Forwarded=forged).status_code == 401
