"""HAProxy with the shipped files: in front of the servers (deploy/haproxy), and in front of PostgreSQL under Patroni
(docs/operating.md)."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults import cluster, patroni
from tests.faults.patroni import Managed
from tests.faults.process import Process
from tests.faults.site import AppServer
from tests.lib.document_blocks import blocks
from tests.lib.servers import ROOT, free_port

FILE = ROOT / "deploy/haproxy/haproxy.cfg"
SECRET = "a-secret-of-the-proxies-that-no-client-knows"


def missing() -> str:
    """Returns why HAProxy cannot run on this machine."""
    return "" if shutil.which("haproxy") else "haproxy is not on this machine"


def before_servers(apps: list[AppServer], port: int, folder: Path) -> Process:
    """Runs HAProxy with the shipped file, without TLS."""
    here = {
        "bind :8443 ssl crt /etc/haproxy/tls.pem alpn h2,http/1.1": f"bind 127.0.0.1:{port}",
        "bind :8080": f"bind 127.0.0.1:{free_port()}",
        "web-1:8000": f"127.0.0.1:{apps[0].port}",
        "web-2:8000": f"127.0.0.1:{apps[1].port}",
        "    http-request set-header Forwarded": "    http-request set-header Host bank.example\n"
        "    http-request set-header Forwarded",
    }
    return _process(folder, replaced(FILE.read_text(), here))


def replaced(configuration: str, here: dict[str, str]) -> str:
    for documented, other in here.items():
        assert documented in configuration, documented
        configuration = configuration.replace(documented, other)
    return configuration


@dataclass
class Proxied(Managed):
    port: int

    @property
    def url_of_site(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{cluster.DATABASE}"


@contextmanager
def before_patroni(folder: Path) -> Iterator[Proxied]:
    with patroni.running(folder) as managed:
        port = free_port()
        first, second = managed.nodes
        documented = blocks((ROOT / "docs/operating.md").read_text(), "With Patroni", "haproxy")[0]
        configuration = replaced(
            documented,
            {
                "bind :5000": f"bind 127.0.0.1:{port}",
                "db1:5432 check port 8008": f"127.0.0.1:{first.port} check port {first.rest_port}",
                "db2:5432 check port 8008": f"127.0.0.1:{second.port} check port {second.rest_port}",
            },
        )
        process = _process(folder, configuration)
        process.start()
        try:
            yield Proxied(managed.nodes, port)
        finally:
            process.stop()


def _process(folder: Path, configuration: str) -> Process:
    file = folder / "haproxy.cfg"
    file.write_text(configuration)
    return Process(["haproxy", "-f", file], os.environ | {"PROXY_SECRET": SECRET}, folder / "haproxy.log")
