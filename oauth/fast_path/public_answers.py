"""A shared cache (RFC 9111) in front of Django, in each worker process, which keeps public documents for a second.

Resource servers and clients fetch keys and metadata often. The cache stores responses that a view declares `public`,
and uses them only for simple requests: Django handles requests with a query, a condition, a body or an Origin.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django_guid.utils import generate_guid, validate_guid
from prometheus_client import Counter

from oauth.conf import conf

Headers = list[tuple[str, str]]
REQUEST_ID = "X-Request-Id"

# Limits any max-age, so that all worker processes stop publishing a withdrawn key within this time, which key rotation
# takes into account (oauth/keys/rotation.py).
MAX_SECONDS = 1.0
# A site has few host names. If clients send many different ones, the cache is emptied instead of growing.
MAX_ENTRIES = 64
# Headers that change the response, or for which a shared cache must not be used (RFC 9111 §3.5, §4).
_SELECTING = (
    "HTTP_ORIGIN", "HTTP_AUTHORIZATION", "HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH", "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_UNMODIFIED_SINCE", "HTTP_RANGE", "HTTP_CACHE_CONTROL", "HTTP_PRAGMA", "HTTP_DPOP",
)  # fmt: skip

hits = Counter("http_cache_hits_total", "Public documents answered from memory, by path.", ["path"])


@dataclass(frozen=True, slots=True)
class _Answer:
    until: float  # a time of time.monotonic()
    headers: Headers
    body: bytes


def with_public_answers(application: WSGIApplication) -> WSGIApplication:
    """`application` with this cache in front. Unchanged if OAUTH["FAST_PATH"] is off."""
    return PublicAnswers(application, paths=conf.PUBLIC_DOCUMENTS) if conf.FAST_PATH else application


class PublicAnswers:
    """Calls `application` at most once in MAX_SECONDS for each of `paths` per host, and for every other request."""

    def __init__(self, application: WSGIApplication, *, paths: Iterable[str]) -> None:
        self.application = application
        self.counters = {path: hits.labels(path) for path in paths}
        self.kept: dict[tuple[str, str | None, str], _Answer] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path not in self.counters or not _is_plain(environ):
            return self.application(environ, start_response)
        # Scheme and host are part of the key, because Django refuses unknown hosts and may redirect HTTP.
        key = (environ["wsgi.url_scheme"], environ.get("HTTP_HOST"), path)
        kept = self.kept.get(key)
        if kept is not None and time.monotonic() < kept.until:
            self.counters[path].inc()
            start_response("200 OK", [*kept.headers, (REQUEST_ID, _request_id(environ))])
            return [kept.body]
        until = time.monotonic() + MAX_SECONDS
        status, headers, body = _whole_answer(self.application, environ)
        if status.startswith("200 ") and _is_public(headers):
            if len(self.kept) >= MAX_ENTRIES:
                self.kept.clear()
            self.kept[key] = _Answer(until, [(name, value) for name, value in headers if name != REQUEST_ID], body)
        start_response(status, headers)
        return [body]


def _is_plain(environ: WSGIEnvironment) -> bool:
    return (
        environ["REQUEST_METHOD"] == "GET"
        and not environ.get("QUERY_STRING")
        and environ.get("CONTENT_LENGTH") in (None, "", "0")
        and not any(name in environ for name in _SELECTING)
    )


def _is_public(headers: Headers) -> bool:
    """Whether the response may be cached (RFC 9111 §3) and is explicitly `public`. `Vary: Origin` is allowed, because
    the cache is not used for requests with an Origin.
    """
    fields = {name.lower(): value.lower() for name, value in headers}
    directives = {directive.strip() for directive in fields.get("cache-control", "").split(",")}
    return "public" in directives and "set-cookie" not in fields and fields.get("vary", "origin") == "origin"


def _whole_answer(application: WSGIApplication, environ: WSGIEnvironment) -> tuple[str, Headers, bytes]:
    started: list[tuple[str, Headers]] = []

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> Any:
        started.append((status, headers))

    answer = application(environ, start_response)
    try:
        body = b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()  # PEP 3333 requires this
    return *started[-1], body


def _request_id(environ: WSGIEnvironment) -> str:
    """The request ID, chosen as in django-guid: the client's if it is valid, otherwise a new one."""
    given: str = environ.get("HTTP_X_REQUEST_ID", "")
    return given if given and validate_guid(given) else generate_guid()
