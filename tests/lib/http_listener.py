"""The HTTP server of a client or another party, in a thread: for a key set, a sector file or back-channel logout."""

import http.server
import json
import ssl
import threading
from email.message import Message
from pathlib import Path
from typing import Any


class HttpListener:
    """Answers every request with `status` and `body` (JSON, or bytes as they are), and records each request.

    `certificate` is a file (PEM) with a key and its certificate: with it, the server speaks TLS only.
    """

    def __init__(self, body: Any = None, status: int = 200, *, certificate: Path | None = None) -> None:
        self.body, self.status, self.headers = body, status, {"Content-Type": "application/json"}
        #: Content type and body for paths that have another answer.
        self.others: dict[str, tuple[str, bytes]] = {}
        self.received: list[tuple[str, str, bytes]] = []
        self.received_headers: list[Message] = []
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                # Before `received`, because a test that waits for `received` reads both.
                listener.received_headers.append(self.headers)
                listener.received.append((self.command, self.path, content))
                body = listener.body if isinstance(listener.body, bytes) else json.dumps(listener.body).encode()
                headers = listener.headers
                if self.path in listener.others:
                    kind, body = listener.others[self.path]
                    headers = {**headers, "Content-Type": kind}
                self.send_response(listener.status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer

            def log_message(self, *args: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def requests(self) -> int:
        return len(self.received)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        return f"{self.scheme}://{self.host}{path}"

    def __enter__(self) -> "HttpListener":
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
