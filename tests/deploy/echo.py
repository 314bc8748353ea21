"""A site behind the proxy under test, which answers with the request that it got."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

SECRET = "a-secret-of-the-proxies-that-no-client-knows"


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        headers = [[name, value] for name, value in self.headers.items()]
        # "accepting": what a proxy looks for in the answer of /health/ready.
        said = json.dumps({"path": self.path, "headers": headers, "accepting": "ok"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running() -> Iterator[str]:
    """Yields its host and port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{site.server_port}"
        finally:
            site.shutdown()


def seen(url: str, authority: str, **headers: str) -> dict[str, list[str]]:
    """Returns the headers that reach the site, by name in lower case. `__` stands for an underscore, and `_` for a
    hyphen.
    """
    sent = {name.replace("__", "_") if "__" in name else name.replace("_", "-"): one for name, one in headers.items()}
    answer = requests.get(url, headers=sent, verify=authority, timeout=60)
    found: dict[str, list[str]] = {}
    for name, value in answer.json()["headers"]:
        found.setdefault(name.lower(), []).append(value)
    return found
