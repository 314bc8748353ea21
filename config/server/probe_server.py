"""Answers the probes at a separate port, in the process `serve` itself.

The worker processes may be busy, or their port may have too many connections. A probe must report this, and must not
wait for them.
"""

import logging
import socket
import threading
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from django.core.handlers.wsgi import WSGIRequest
from django.db import close_old_connections
from django.http import Http404, HttpResponse, HttpResponseNotFound
from django.utils.module_loading import import_string

#: The time in which a probe must have sent its request and read the response.
SECONDS = 5

logger = logging.getLogger(__name__)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _IPv6Server(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    timeout = SECONDS

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: a probe comes every few seconds."""


def start(host: str, port: int) -> None:
    """Starts the server in a thread. Raises OSError if the port is taken."""
    kind = _IPv6Server if ":" in host else _Server
    server = make_server(host, port, application, server_class=kind, handler_class=_Handler)
    threading.Thread(target=server.serve_forever, name="probes", daemon=True).start()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    # The module of this function needs Django's apps, which worker processes load after this module.
    probes = import_string("config.server.health.PROBES")
    request = WSGIRequest(environ)
    response: HttpResponse
    try:
        response = probes[request.path_info](request)
    except (KeyError, Http404):
        response = HttpResponseNotFound()
    finally:
        close_old_connections()
    start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
    return [response.content]
