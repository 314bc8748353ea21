"""Mutual TLS as in production: a real nginx asks for the certificate and passes it on to the site behind it."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import requests

from tests.lib import certificates, nginx, servers

pytestmark = pytest.mark.served

CA = certificates.authority()
CLIENT = certificates.make("CN=atlas,O=Example", by=CA)
OTHER = certificates.make("CN=other,O=Example", by=CA)
SITE = certificates.of_localhost(CA)
# nginx connects from its own address, the only trusted one; the tests connect from 127.0.0.1.
PROXY_ADDRESS = "127.0.0.2"
SECRET = "a-secret-of-the-proxies-that-no-client-knows"

PROXY = """
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/site.pem; ssl_certificate_key {folder}/site.key;
    ssl_verify_client optional_no_ca;
    location / {{
      proxy_pass http://127.0.0.1:{site_port};
      proxy_bind {address};
      proxy_set_header Host $http_host;
      proxy_set_header Forwarded 'for="$remote_addr";proto=$scheme;cert="$ssl_client_escaped_cert";by=_{secret}';
    }}
"""


@dataclass(frozen=True)
class Proxied:
    """`url` goes through nginx, and `direct` bypasses it; `authority` is the file with which clients verify nginx."""

    url: str
    direct: str
    folder: Path
    client_id: str

    def files(self, name: str) -> tuple[str, str]:
        return str(self.folder / f"{name}.pem"), str(self.folder / f"{name}.key")

    def token(self, certificate: str | None) -> requests.Response:
        form = {"grant_type": "client_credentials", "client_id": self.client_id}
        cert = self.files(certificate) if certificate else None
        return requests.post(f"{self.url}/oauth/token", form, cert=cert, verify=self.files("ca")[0], timeout=60)

    def accounts(self, access_token: str, certificate: str | None) -> requests.Response:
        cert = self.files(certificate) if certificate else None
        headers = {"Authorization": f"Bearer {access_token}"}
        url = f"{self.url}/api/v1/accounts"
        return requests.get(url, headers=headers, cert=cert, verify=self.files("ca")[0], timeout=60)


@pytest.fixture(scope="module")
def proxied(seeded: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    folder = tmp_path_factory.mktemp("nginx")
    for name, pair in {"ca": CA, "client": CLIENT, "other": OTHER, "site": SITE}.items():
        (folder / f"{name}.pem").write_text(pair.pem)
        (folder / f"{name}.key").write_text(pair.key_pem)
    environment = {
        "MUTUAL_TLS": "1", "TRUSTED_PROXIES": PROXY_ADDRESS, "PROXY_SECRETS": SECRET,
        "CLIENT_CERTIFICATE_AUTHORITIES": CA.pem,
    }  # fmt: skip
    with servers.demo(tmp_path_factory.mktemp("site"), seeded, name="nginx", **environment) as server:
        client_id = registered(server)
        port, site_port = servers.free_port(), server.url.rsplit(":", 1)[1]
        url = f"https://localhost:{port}"
        proxy = PROXY.format(folder=folder, port=port, site_port=site_port, address=PROXY_ADDRESS, secret=SECRET)
        is_up = partial(servers.answers, f"{url}/health/live", str(folder / "ca.pem"))
        with nginx.running(folder, proxy, answers=is_up):
            yield Proxied(url, server.url, folder, client_id)


def registered(server: servers.Server) -> str:
    """A service that is registered with the subject of its certificate."""
    metadata = {
        "client_name": "Account Atlas", "grant_types": ["client_credentials"], "scope": "accounts:read",
        "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=atlas,O=Example",
        "tls_client_certificate_bound_access_tokens": True,
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {server.registration_token()}"}
    answer = requests.post(f"{server.url}/oauth/register", json=metadata, headers=headers, timeout=60)
    assert answer.status_code == 201, answer.text
    client_id: str = answer.json()["client_id"]
    return client_id


def test_a_certificate_authenticates_the_client_and_binds_its_token(proxied: Proxied) -> None:
    answer = proxied.token("client")
    assert answer.status_code == 200, answer.text
    access_token = answer.json()["access_token"]
    assert proxied.accounts(access_token, "client").status_code == 200
    assert proxied.accounts(access_token, "other").status_code == 401
    assert proxied.accounts(access_token, None).status_code == 401


@pytest.mark.parametrize("certificate", ["other", None])
def test_another_certificate_or_none_does_not(proxied: Proxied, certificate: str | None) -> None:
    answer = proxied.token(certificate)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("header", [f'cert="{CLIENT.header}"', f'cert="{CLIENT.header}";by=_{SECRET}'])
def test_nobody_forges_the_header_past_nginx_or_through_it(proxied: Proxied, header: str) -> None:
    """On a direct connection, the header is ignored even with the secret, because the secret counts only from the
    proxy's address.
    """
    form = {"grant_type": "client_credentials", "client_id": proxied.client_id}
    headers = {"Forwarded": header}
    past = requests.post(f"{proxied.direct}/oauth/token", form, headers=headers, timeout=60)
    through = requests.post(
        f"{proxied.url}/oauth/token", form, headers=headers, verify=proxied.files("ca")[0], timeout=60
    )
    assert (past.status_code, through.status_code) == (401, 401)
    assert "certificate" in json.loads(past.text)["error_description"]


def from_the_proxy(proxied: Proxied, *headers: str) -> int:
    """Returns the status of a token request from a proxy that, like HAProxy, passes on header names with
    underscores.
    """
    body = f"grant_type=client_credentials&client_id={proxied.client_id}"
    head = [
        "POST /oauth/token HTTP/1.1", "Host: localhost", "Connection: close",
        "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}", *headers,
    ]  # fmt: skip
    port = int(proxied.direct.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(PROXY_ADDRESS, 0)) as connection:
        connection.sendall("\r\n".join([*head, "", body]).encode())
        return int(connection.makefile("rb").readline().split()[1])


PROXYS_OWN = f'Forwarded: for="127.0.0.1";cert="";by=_{SECRET}'
FORGED = f'for="127.0.0.1";cert="{CLIENT.header}"'


@pytest.mark.parametrize("forged", [
    f"Client-Cert: {CLIENT.header}", f"Client_Cert: {CLIENT.header}", f"client_cert: {CLIENT.header}",
    f"Forwarded: {FORGED}", f"forwarded: {FORGED}", f"FORWARDED: {FORGED};by=_guessed", f"HTTP_FORWARDED: {FORGED}",
    f"X_Forwarded_Client_Cert: {CLIENT.header}", f"countersign.client_certificate: {CLIENT.header}",
])  # fmt: skip
@pytest.mark.parametrize("is_last", [True, False])
def test_no_spelling_of_the_header_is_believed_of_a_client(proxied: Proxied, forged: str, is_last: bool) -> None:
    """RFC 9440 §4: granian maps `Client_Cert` and `Client-Cert` to the same name, and keeps the last value."""
    assert from_the_proxy(proxied, *([PROXYS_OWN, forged] if is_last else [forged, PROXYS_OWN])) == 401
    assert from_the_proxy(proxied, forged) == 401


def test_a_proxy_that_drops_no_underscores_may_pass_certificates_on(proxied: Proxied) -> None:
    assert from_the_proxy(proxied, f'Forwarded: for="192.0.2.1";cert="{CLIENT.header}";by=_{SECRET}') == 200


def test_the_operators_guide_shows_what_is_tested_here() -> None:
    guide = (servers.ROOT / "docs" / "operating.md").read_text()
    [line] = [line.strip() for line in PROXY.splitlines() if "Forwarded" in line]
    assert line.replace("{secret}", "THE_SECRET") in guide
