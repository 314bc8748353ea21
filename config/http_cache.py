"""Answers that are the same for everybody, kept for a moment in each worker: a shared cache (RFC 9111) before Django.

Resource servers and clients fetch keys and metadata as often as they like. What a view has declared `public` is sent
again from here at a fifth of its cost. Only the plainest requests are: whatever has a query, a condition, a body or an
Origin, or comes in another form, is Django's.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django_guid.utils import generate_guid, validate_guid
from prometheus_client import Counter

from config.proxy import WSGIApplication

Headers = list[tuple[str, str]]
REQUEST_ID = "X-Request-Id"

# Whatever a view says: a key that was taken out is gone everywhere within it. Part of the clock skew that the
# rotation of keys waits for (oauth/keys/rotation.py).
MOST_SECONDS = 1.0
# Addresses by which one site is known; who varies them makes us forget, not grow.
MOST_ENTRIES = 64
# What makes an answer another one, or none that a shared cache may give (RFC 9111 §3.5, §4).
_PARTICULAR = (
    "HTTP_ORIGIN", "HTTP_AUTHORIZATION", "HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH", "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_UNMODIFIED_SINCE", "HTTP_RANGE", "HTTP_CACHE_CONTROL", "HTTP_PRAGMA", "HTTP_DPOP",
)  # fmt: skip

hits = Counter("http_cache_hits_total", "Public documents sent again without asking Django, by path.", ["path"])


@dataclass(frozen=True, slots=True)
class _Kept:
    until: float  # by the monotonic clock
    headers: Headers
    body: bytes


class PublicAnswers:
    """`application`, asked for each of `paths` once in MOST_SECONDS; for everything else, every time."""

    def __init__(self, application: WSGIApplication, *, paths: Iterable[str]) -> None:
        self.application = application
        self.counters = {path: hits.labels(path) for path in paths}
        self.kept: dict[tuple[str, str | None, str], _Kept] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path not in self.counters or not _is_plain(environ):
            return self.application(environ, start_response)
        # Which hosts are ours, and what plain HTTP is told, Django has said.
        key = (environ["wsgi.url_scheme"], environ.get("HTTP_HOST"), path)
        found = self.kept.get(key)
        if found is not None and time.monotonic() < found.until:
            self.counters[path].inc()
            start_response("200 OK", [*found.headers, (REQUEST_ID, _request_id(environ))])
            return [found.body]
        until = time.monotonic() + MOST_SECONDS
        status, headers, body = _whole_answer(self.application, environ)
        if status.startswith("200 ") and _is_public(headers):
            if len(self.kept) >= MOST_ENTRIES:
                self.kept.clear()
            self.kept[key] = _Kept(until, [(name, value) for name, value in headers if name != REQUEST_ID], body)
        start_response(status, headers)
        return [body]


def _is_plain(environ: dict[str, Any]) -> bool:
    return (
        environ["REQUEST_METHOD"] == "GET"
        and not environ.get("QUERY_STRING")
        and environ.get("CONTENT_LENGTH") in (None, "", "0")
        and not any(name in environ for name in _PARTICULAR)
    )


def _is_public(headers: Headers) -> bool:
    """RFC 9111 §3, and said aloud: `public`. A Vary on Origin is met: no request with one comes here."""
    fields = {name.lower(): value.lower() for name, value in headers}
    directives = {directive.strip() for directive in fields.get("cache-control", "").split(",")}
    return "public" in directives and "set-cookie" not in fields and fields.get("vary", "origin") == "origin"


def _whole_answer(application: WSGIApplication, environ: dict[str, Any]) -> tuple[str, Headers, bytes]:
    told: list[tuple[str, Headers]] = []
    answer = application(environ, lambda status, headers, exc_info=None: told.append((status, headers)))
    try:
        body = b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()  # PEP 3333
    return *told[-1], body


def _request_id(environ: dict[str, Any]) -> str:
    """As django-guid gives it: the caller's where it is one."""
    given: str = environ.get("HTTP_X_REQUEST_ID", "")
    return given if given and validate_guid(given) else generate_guid()
