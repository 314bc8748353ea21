"""deploy/haproxy/haproxy.cfg in a real HAProxy: what it tells the site about the client, and which requests it
refuses.
"""

import http.client
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import requests

from tests.deploy import echo
from tests.lib import certificates, servers

pytestmark = [
    pytest.mark.served,
    pytest.mark.skipif(shutil.which("haproxy") is None, reason="haproxy is not on this machine"),
]
FILE = Path(__file__).resolve().parents[2] / "deploy/haproxy/haproxy.cfg"


@dataclass(frozen=True)
class Proxy:
    https_port: int
    http_port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https_port}"

    @property
    def authority(self) -> str:
        return str(self.folder / "ca.pem")


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """HAProxy in front of a site."""
    folder = tmp_path_factory.mktemp("haproxy")
    authority = certificates.authority()
    site_certificate = certificates.of_localhost(authority, "CN=bank.example")
    (folder / "tls.pem").write_text(site_certificate.pem + site_certificate.key_pem)
    (folder / "ca.pem").write_text(authority.pem)
    one = Proxy(servers.free_port(), servers.free_port(), folder)
    with echo.running() as address:
        text = FILE.read_text().replace("/etc/haproxy/", f"{folder}/")
        for documented, here in {
            "bind :8443": f"bind 127.0.0.1:{one.https_port}", "bind :8080": f"bind 127.0.0.1:{one.http_port}",
            "web-1:8000": address, "web-2:8000": address,
            "timeout check 1s": f"timeout check {servers.PATIENCE_SECONDS}s",  # the site is a thread of this process
        }.items():  # fmt: skip
            assert documented in text
            text = text.replace(documented, here)
        (folder / "haproxy.cfg").write_text(text)
        command = ["haproxy", "-f", folder / "haproxy.cfg"]
        environment = os.environ | {"PROXY_SECRET": echo.SECRET}
        checked = subprocess.run([*command, "-c"], env=environment, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        assert "WARNING" not in checked.stderr
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            servers.wait_until(partial(servers.answers, one.url, one.authority))
            yield one
        finally:
            process.terminate()
            process.wait(servers.PATIENCE_SECONDS)


@contextmanager
def connected(proxy: Proxy, context: ssl.SSLContext | None = None) -> Iterator[http.client.HTTPSConnection]:
    context = context or ssl.create_default_context(cafile=proxy.authority)
    connection = http.client.HTTPSConnection("localhost", proxy.https_port, context=context, timeout=60)
    try:
        yield connection
    finally:
        connection.close()


def status_of(connection: http.client.HTTPSConnection) -> int:
    answer = connection.getresponse()
    answer.read()
    return answer.status


def test_it_replaces_what_a_client_says_about_itself(proxy):
    """RFC 7239 §8.1: config.server.proxy believes only an element with the secret."""
    forged = echo.seen(proxy.url, proxy.authority, Forwarded=f"for=203.0.113.9;proto=https;by=_{echo.SECRET}")
    assert forged["forwarded"] == [f'for="127.0.0.1";proto=https;by=_{echo.SECRET}']


def test_header_names_with_underscores_do_not_reach_the_site(proxy):
    headers = echo.seen(proxy.url, proxy.authority, X__Forwarded__For="203.0.113.9", Client__Cert="x")
    assert not {"x_forwarded_for", "client_cert"} & headers.keys()


@pytest.mark.parametrize(
    ("path", "kilobytes", "status"),
    [
        ("/oauth/token", 127, 200),
        ("/oauth/token", 129, 413),
        ("/admin/banking/settlementfile/add/", 1000, 200),
        ("/admin/banking/settlementfile/add/", 1100, 413),
    ],
)
def test_a_large_body_ends_at_the_proxy(proxy, path, kilobytes, status):
    """OWASP API4. A site that must refuse large bodies itself has less time for others."""
    with connected(proxy) as connection:
        connection.putrequest("POST", path)
        connection.putheader("Content-Length", str(kilobytes * 1024))
        connection.endheaders()
        if status == 200:
            connection.send(b"x" * kilobytes * 1024)
        # The proxy refuses before it has received the body.
        assert status_of(connection) == status


@pytest.mark.parametrize("path", ["/metrics", "/%6detrics", "//metrics", "/metrics/"])
def test_metrics_are_not_for_the_internet(proxy, path):
    with connected(proxy) as connection:
        connection.request("GET", path)
        assert status_of(connection) == 404


def test_http_leads_to_https_of_the_site_whatever_host_is_asked_for(proxy):
    url, headers = f"http://127.0.0.1:{proxy.http_port}/a?b=c", {"Host": "evil.example"}
    answer = requests.get(url, headers=headers, allow_redirects=False, timeout=60)
    assert (answer.status_code, answer.headers["Location"]) == (308, "https://bank.example/a?b=c")


def test_the_log_holds_no_query(proxy):
    """ASVS 5.0 10.1.1: a query holds codes and login hints."""
    echo.seen(f"{proxy.url}/oauth/authorize?code=secret-code", proxy.authority)
    log = proxy.folder / "log"
    servers.wait_until(lambda: "/oauth/authorize" in log.read_text())  # written after the answer
    assert "secret-code" not in log.read_text()


@pytest.mark.parametrize("path", ["/accounts/password/reset/key/", "/id/accounts/confirm-email/"])
def test_the_log_holds_no_secret_of_a_link_in_an_email(proxy, path):
    """ASVS 5.0 16.2.5: the link works until its user has followed it to the end."""
    echo.seen(f"{proxy.url}{path}a-secret/", proxy.authority)
    log = proxy.folder / "log"
    servers.wait_until(lambda: path in log.read_text())
    assert "a-secret" not in log.read_text()


@pytest.mark.parametrize("chosen", echo.CHOSEN_IDS)
def test_a_line_of_its_log_has_the_ids_of_the_sites_log(proxy, chosen):
    """docs/monitoring.md, “Logs”: from a line here to those of the site and of its jobs."""
    echo.assert_ids_are_logged(proxy.url, proxy.authority, proxy.folder / "log", chosen)


def test_an_answer_of_the_proxy_itself_has_an_id_too(proxy):
    answer = requests.get(f"{proxy.url}/metrics", verify=proxy.authority, timeout=60)
    assert answer.status_code == 404
    log = proxy.folder / "log"
    servers.wait_until(lambda: f" {answer.headers['X-Request-Id']} -" in log.read_text())


@pytest.mark.parametrize(
    ("cipher", "is_accepted"), [("ECDHE-ECDSA-AES128-GCM-SHA256", True), ("ECDHE-ECDSA-AES128-SHA256", False)]
)
def test_tls_1_2_takes_only_ciphers_of_bcp_195(proxy, cipher, is_accepted):
    """RFC 9325 §4.2, FAPI 2.0 §5.2.2."""
    context = ssl.create_default_context(cafile=proxy.authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(cipher)
    with connected(proxy, context) as connection, nullcontext() if is_accepted else pytest.raises(ssl.SSLError):
        connection.request("GET", "/")
        assert status_of(connection) == 200
