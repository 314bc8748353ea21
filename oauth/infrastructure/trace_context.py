"""The trace that this request or job belongs to, for log lines and jobs: W3C Trace Context.

Without OAUTH["TRACING"] it is the one that a proxy or client names in `traceparent`. With it, `oauth.tracing` provides
the trace of the current span.
"""

import logging
import re
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# §3.2.2. A later version may add fields after another dash.
_FORM = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace_id>[0-9a-f]{32})-(?P<parent_id>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)

#: The header as it came, or what a job remembers.
received: ContextVar[str] = ContextVar("traceparent", default="")


def checked(header: str) -> str:
    """The header in the form of version 00, or nothing: a header that is not valid must be ignored (§3.2.2.3)."""
    found = _FORM.fullmatch(header)
    if found is None or found["version"] == "ff" or (found["version"] == "00" and found["more"] is not None):
        return ""
    if not found["trace_id"].strip("0") or not found["parent_id"].strip("0"):
        return ""
    return f"00-{found['trace_id']}-{found['parent_id']}-{found['flags']}"


def _received() -> str:
    return checked(received.get())


def _no_link(traceparent: str) -> None:
    """Nobody traces."""


_source: Callable[[], str] = _received
_link: Callable[[str], None] = _no_link


def provided_by(source: Callable[[], str], link: Callable[[str], None]) -> None:
    """`source` returns the current traceparent, or nothing; `link` links the current span to another one."""
    global _source, _link
    _source, _link = source, link


def current() -> str:
    """As a valid traceparent; empty if there is none."""
    return _source()


def follows(traceparent: str) -> None:
    """This request goes on with what that one began, such as a token request with the code of an authorization."""
    if traceparent:
        _link(traceparent)


def with_trace_context(application: WSGIApplication) -> WSGIApplication:
    """Remembers the header for the log lines and jobs of each request."""

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        received.set(environ.get("HTTP_TRACEPARENT", ""))
        return application(environ, start_response)

    return wrapped


class TraceId(logging.Filter):
    """For a handler: gives each record `trace_id`, or None."""

    def filter(self, record: logging.LogRecord) -> bool:
        traceparent = current()
        record.trace_id = traceparent[3:35] if traceparent else None
        return True
