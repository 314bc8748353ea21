"""deploy/nginx/nginx.conf in a real nginx: what it tells the site about the client, and which requests it refuses."""

import http.client
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest
import requests

from tests.deploy import echo
from tests.lib import certificates, nginx, servers

pytestmark = pytest.mark.served

FOLDER = Path(__file__).resolve().parents[2] / "deploy/nginx"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int, Path]]:
    """(https port, http port, directory) of nginx in front of a site."""
    folder = tmp_path_factory.mktemp("nginx")
    authority = certificates.authority()
    site_certificate = certificates.of_localhost(authority, "CN=bank.example")
    servers.open_to_passers_by(folder)  # nginx stores request bodies there
    (folder / "tls.crt").write_text(site_certificate.pem)
    (folder / "tls.key").write_text(site_certificate.key_pem)
    (folder / "ca.pem").write_text(authority.pem)
    (folder / "proxy_secret.conf").write_text(f'map $host $proxy_secret {{ default "{echo.SECRET}"; }}\n')
    https, http_ = servers.free_port(), servers.free_port()
    with echo.running() as address:
        upstream = (FOLDER / "upstream.conf").read_text()
        (folder / "upstream.conf").write_text(upstream.replace("web-1:8000", address).replace("web-2:8000", address))
        text = (FOLDER / "nginx.conf").read_text().replace("/tmp/", f"{folder}/").replace("/etc/nginx/", f"{folder}/")
        text = text.replace("listen 8443", f"listen 127.0.0.1:{https}").replace(
            "listen 8080", f"listen 127.0.0.1:{http_}"
        )
        (folder / "nginx.conf").write_text(text.replace("/dev/stdout", f"{folder}/access.log"))
        command = [nginx.BINARY, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
        subprocess.run([*command, "-t"], check=True, capture_output=True)
        is_up = partial(servers.answers, f"https://localhost:{https}/", str(folder / "ca.pem"))
        with nginx.started(folder, [*command, "-g", "daemon off;"], answers=is_up):
            yield https, http_, folder


def seen(proxy: tuple[int, int, Path], path: str = "/", **headers: str) -> dict[str, list[str]]:
    port, _, folder = proxy
    return echo.seen(f"https://localhost:{port}{path}", str(folder / "ca.pem"), **headers)


def test_it_replaces_what_a_client_says_about_itself(proxy):
    """RFC 7239 §8.1: config.server.proxy believes only an element with the secret."""
    forged = seen(proxy, Forwarded=f"for=203.0.113.9;proto=https;by=_{echo.SECRET}")["forwarded"]
    assert forged == [f'for="127.0.0.1";proto=https;by=_{echo.SECRET}']


def test_the_site_hears_the_host_with_its_port(proxy):
    """Django compares it with the Origin of each form. `$host` has no port, so every form was refused with 403."""
    assert seen(proxy)["host"] == [f"localhost:{proxy[0]}"]


def test_header_names_with_underscores_do_not_reach_the_site(proxy):
    assert (
        not {"x_forwarded_for", "client_cert"} & seen(proxy, X__Forwarded__For="203.0.113.9", Client__Cert="x").keys()
    )


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
    port, _, folder = proxy
    verify = str(folder / "ca.pem")
    answer = requests.post(f"https://localhost:{port}{path}", b"x" * kilobytes * 1024, verify=verify, timeout=60)
    assert answer.status_code == status


def test_metrics_are_not_for_the_internet(proxy):
    port, _, folder = proxy
    answer = requests.get(f"https://localhost:{port}/metrics", verify=str(folder / "ca.pem"), timeout=60)
    assert answer.status_code == 404


def test_http_leads_to_https_of_the_site_whatever_host_is_asked_for(proxy):
    _, port, _ = proxy
    headers = {"Host": "evil.example"}
    answer = requests.get(f"http://127.0.0.1:{port}/a?b=c", headers=headers, allow_redirects=False, timeout=60)
    assert (answer.status_code, answer.headers["Location"]) == (308, "https://bank.example/a?b=c")


def test_the_log_holds_no_query(proxy):
    """ASVS 5.0 10.1.1: a query holds codes and login hints."""
    seen(proxy, "/oauth/authorize?code=secret-code")
    log = proxy[2] / "access.log"
    servers.wait_until(lambda: "/oauth/authorize" in log.read_text())  # written after the answer
    assert "secret-code" not in log.read_text()


@pytest.mark.parametrize("path", ["/accounts/password/reset/key/", "/id/accounts/confirm-email/"])
def test_the_log_holds_no_secret_of_a_link_in_an_email(proxy, path):
    """ASVS 5.0 16.2.5: the link works until its user has followed it to the end."""
    seen(proxy, f"{path}a-secret/")
    log = proxy[2] / "access.log"
    servers.wait_until(lambda: path in log.read_text())
    assert "a-secret" not in log.read_text()


@pytest.mark.parametrize("chosen", echo.CHOSEN_IDS)
def test_a_line_of_its_log_has_the_ids_of_the_sites_log(proxy, chosen):
    """docs/monitoring.md, “Logs”: from a line here to those of the site and of its jobs."""
    echo.assert_ids_are_logged(
        f"https://localhost:{proxy[0]}", str(proxy[2] / "ca.pem"), proxy[2] / "access.log", chosen
    )


def test_an_answer_of_the_proxy_itself_has_an_id_too(proxy):
    answer = requests.post(
        f"https://localhost:{proxy[0]}/big", b"x" * 140_000, verify=str(proxy[2] / "ca.pem"), timeout=60
    )
    assert answer.status_code == 413
    servers.wait_until(lambda: '/big" 413' in (proxy[2] / "access.log").read_text())
    assert f" {answer.headers['X-Request-Id']} -" in (proxy[2] / "access.log").read_text()


@pytest.mark.parametrize(
    ("cipher", "is_accepted"), [("ECDHE-ECDSA-AES128-GCM-SHA256", True), ("ECDHE-ECDSA-AES128-SHA256", False)]
)
def test_tls_1_2_takes_only_ciphers_of_bcp_195(proxy, cipher, is_accepted):
    """RFC 9325 §4.2, FAPI 2.0 §5.2.2."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(cipher)
    connection = http.client.HTTPSConnection("localhost", proxy[0], context=context, timeout=60)
    with nullcontext() if is_accepted else pytest.raises(ssl.SSLError):
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
    connection.close()
