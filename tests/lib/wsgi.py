"""Calls a WSGI application as a server does."""

from io import BytesIO
from typing import Any


def ask(application: Any, **environ: Any) -> tuple[str, dict[str, str], bytes]:
    """Status, headers and body."""
    status, headers, body = ask_for_all(application, **environ)
    return status, dict(headers), body


def ask_for_all(application: Any, **environ: Any) -> tuple[str, list[tuple[str, str]], bytes]:
    """Like `ask`, with headers that may occur more than once."""
    told: list[Any] = []
    answer = application(environ_of(**environ), lambda *said: told.append(said))
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    status, headers = told[0][:2]
    return status, headers, body


def environ_of(**environ: Any) -> dict[str, Any]:
    """The environ (PEP 3333) of a plain GET request, with these changes."""
    return {
        "REQUEST_METHOD": "GET", "PATH_INFO": "/", "QUERY_STRING": "", "HTTP_HOST": "localhost",
        "wsgi.url_scheme": "http", "SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.input": BytesIO(),
        **environ,
    }  # fmt: skip
