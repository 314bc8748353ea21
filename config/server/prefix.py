"""Serves the site below a path of its host, which is the path of the issuer, such as `/id`.

A proxy may send requests with the path or without it, and passes on the metadata URLs at the root of the host (RFC 8414
§3.1, RFC 9728 §3.1) unchanged.
"""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def below(prefix: str, application: WSGIApplication) -> WSGIApplication:
    """`application` with PATH_INFO relative to the prefix (PEP 3333). Without a prefix, the application itself."""
    if not prefix:
        return application

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == prefix or path.startswith(f"{prefix}/"):
            environ["PATH_INFO"] = path[len(prefix) :] or "/"
        environ["SCRIPT_NAME"] = prefix
        return application(environ, start_response)

    return wrapped
