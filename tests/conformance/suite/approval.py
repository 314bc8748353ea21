"""Answers the back-channel requests of FAPI-CIBA plans in place of their user, because the suite has no browser for
this.

The suite posts `action` to this address as soon as the request exists (automated_ciba_approval_url of the plan).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.conformance.suite.user import User


@contextmanager
def answering(issuer: str, authority: str) -> Iterator[str]:
    """Yields the URL template for the plan."""
    user, one_at_a_time = User(issuer, authority), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            with one_at_a_time:
                user.decide("deny" if query["action"] == ["deny"] else "allow")
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            """Logs nothing, because the log of the suite has these requests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/?auth_req_id={{auth_req_id}}&action={{action}}"
        finally:
            server.shutdown()
