"""A site behind the proxy under test, which answers with the request that it got."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from tests.lib import servers

SECRET = "a-secret-of-the-proxies-that-no-client-knows"
#: As a client may choose an id: none, one that is refused, and two that stay.
CHOSEN_IDS = ("", "no id", "0123456789abcdef0123456789abcdef", "9f0c2f4e-3d1b-4c8a-8f57-0d6f1b2a3c4d")
_TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


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


def assert_ids_are_logged(url: str, authority: str, log: Path, chosen: str) -> None:
    """Sends a request with the id that a client has `chosen`. The line of a proxy's log must have the id that the site
    and the client see, and the trace id.
    """
    path = f"/of-{chosen.replace(' ', '-')}"
    headers = {"X-Request-Id": chosen} if chosen else {}
    headers |= {"traceparent": f"00-{_TRACE_ID}-00f067aa0ba902b7-01"}
    answer = requests.get(f"{url}{path}", headers=headers, verify=authority, timeout=60)
    [seen_id] = [value for name, value in answer.json()["headers"] if name.lower() == "x-request-id"]
    assert (seen_id == chosen) == (len(chosen) >= 32)
    assert re.fullmatch("[0-9a-f-]{32,36}", seen_id)
    assert answer.headers["X-Request-Id"] == seen_id
    servers.wait_until(lambda: f'{path}" 200' in log.read_text())  # written after the answer
    [line] = [one for one in log.read_text().splitlines() if f'{path}" ' in one]
    assert line.split()[-2:] == [seen_id, _TRACE_ID]
