"""The site that the clients meet: the demo behind nginx with TLS, as in production, and apps registered there.

MSAL refuses an issuer without https, and every other client then needs no exception for a test.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from tests.lib import certificates, nginx, servers

TRUST_STORE_PASSWORD = "changeit"
_PROXY_SECRET = "a-secret-of-the-proxy-that-no-client-knows"
_PROXY = """
    listen 127.0.0.1:{port} ssl; listen [::1]:{port} ssl;
    ssl_certificate {folder}/site.pem; ssl_certificate_key {folder}/site.key;
    location / {{
      proxy_pass http://127.0.0.1:{site_port};
      proxy_set_header Host $http_host;
      proxy_set_header Forwarded 'for="$remote_addr";proto=$scheme;by=_{secret}';
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
    #: `manage.py` beside the server.
    manage: Callable[..., str] = lambda *_: ""

    @property
    def certificate(self) -> Path:
        """The file (PEM) of a key and its certificate for localhost, for other servers of a test."""
        return self.authority.with_name("localhost.pem")

    @property
    def api(self) -> str:
        """The resource identifier of the bank's API, and the URL that its paths begin with."""
        return f"{self.issuer}/api/v1"

    def demo_client(self, client_id: str) -> dict[str, Any]:
        """The data that `manage.py demo` stores about its client: `client_secret`, or `private_key` (JWK) of
        demo-fapi.
        """
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

    def tick(self, client_id: str, field: str) -> None:
        """Switches this field of a client on, as an admin does. A client cannot set it by registration."""
        query = f"Client.objects.filter(client_id={client_id!r}).update({field}=True)"
        self.manage("shell", "-c", f"from oauth.models import Client; {query}")


@contextmanager
def running(folder: Path, template: str) -> Iterator[Site]:
    """The demo on a copy of the database `template`."""
    port = servers.free_port()
    site = Site(f"https://localhost:{port}", _certify(folder), folder / "data")
    site.data_dir.mkdir()
    environment = {
        "OAUTH_ISSUER": site.issuer, "TRUSTED_PROXIES": "127.0.0.1", "PROXY_SECRETS": _PROXY_SECRET,
        "OUTBOUND_ALLOWED_HOSTS": "localhost,127.0.0.1", "ALLOW_CLIENT_ID_METADATA_DOCUMENTS": "on",
        "SSL_CERT_FILE": str(site.authority),
    }  # fmt: skip
    with servers.demo(site.data_dir, template, name="interop", **environment) as server:
        site_port = server.url.rpartition(":")[2]
        proxy = _PROXY.format(folder=folder, port=port, site_port=site_port, secret=_PROXY_SECRET)
        is_up = partial(servers.answers, f"{site.issuer}/health/live", str(site.authority))
        with nginx.running(folder, proxy, answers=is_up):
            yield replace(site, registration_token=server.registration_token(), manage=server.manage)


def _certify(folder: Path) -> Path:
    """Writes the site's key and certificate for nginx, and returns the file of their authority."""
    authority = certificates.authority("CN=Authority of the tests")
    certificate = certificates.of_localhost(authority)
    (folder / "site.pem").write_text(certificate.pem)
    (folder / "site.key").write_text(certificate.key_pem)
    (folder / "localhost.pem").write_text(certificate.key_pem + certificate.pem)
    file = folder / "authority.pem"
    file.write_text(authority.pem)
    trusted = pkcs12.PKCS12Certificate(authority.certificate, b"authority")
    encryption = serialization.BestAvailableEncryption(TRUST_STORE_PASSWORD.encode())
    file.with_suffix(".p12").write_bytes(pkcs12.serialize_java_truststore([trusted], encryption))
    return file
