"""The trace of a request or job (W3C Trace Context), for log lines and jobs.

By default, the trace is that of the incoming `traceparent`. With OAUTH["TRACING"], `oauth.tracing` provides the trace
of the current span.
"""

import logging
import re
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# §3.2.2: later versions may append fields after a dash.
_FORM = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace_id>[0-9a-f]{32})-(?P<parent_id>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)

# §3.3.1.3: keys of `tracestate`.
_KEY = r"(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
_MEMBER = re.compile(rf"(?P<key>{_KEY})=[ -+\--<>-~]{{0,255}}[!-+\--<>-~]")
_MOST_MEMBERS = 32
MOST_STATE = 512
_LONG_MEMBER = 128

#: The headers of the request, or those stored with the job.
received: ContextVar[str] = ContextVar("traceparent", default="")
received_state: ContextVar[str] = ContextVar("tracestate", default="")


def checked(header: str) -> str:
    """The header in the form of version 00. Empty for an invalid header, which must be ignored (§3.2.2.3)."""
    found = _FORM.fullmatch(header)
    if found is None or found["version"] == "ff" or (found["version"] == "00" and found["more"] is not None):
        return ""
    if not found["trace_id"].strip("0") or not found["parent_id"].strip("0"):
        return ""
    return f"00-{found['trace_id']}-{found['parent_id']}-{found['flags']}"


def checked_state(header: str) -> str:
    """`tracestate`, shortened to MOST_STATE characters. Empty if a member is invalid (§3.3.1).

    Drops long members first, then those at the end (§3.3.1.5).
    """
    members = [member for one in header.split(",") if (member := one.strip(" \t"))]
    found = [_MEMBER.fullmatch(member) for member in members]
    keys = {one["key"] for one in found if one is not None}
    if len(keys) < len(members) or len(members) > _MOST_MEMBERS:
        return ""
    if len(",".join(members)) > MOST_STATE:
        members = [member for member in members if len(member) <= _LONG_MEMBER]
    while len(",".join(members)) > MOST_STATE:
        members.pop()
    return ",".join(members)


def of_request() -> tuple[str, str]:
    """The traceparent and tracestate of the request or job; empty if invalid."""
    traceparent = checked(received.get())
    return traceparent, checked_state(received_state.get()) if traceparent else ""


def _no_link(traceparent: str) -> None:
    """Does nothing, because tracing is off."""


_source: Callable[[], tuple[str, str]] = of_request
_link: Callable[[str], None] = _no_link


def provided_by(source: Callable[[], tuple[str, str]], link: Callable[[str], None]) -> None:
    """`source` returns the current traceparent and tracestate, which may be empty. `link` links the current span to
    another trace.
    """
    global _source, _link
    _source, _link = source, link


def current() -> str:
    """The current trace as a valid traceparent; empty if there is none."""
    return _source()[0]


def current_with_state() -> tuple[str, str]:
    """The current traceparent and its tracestate. Each may be empty."""
    return _source()


def follows(traceparent: str) -> None:
    """Links this request to an earlier one of the same flow, such as a token request to the authorization request."""
    if traceparent:
        _link(traceparent)


def with_trace_context(application: WSGIApplication) -> WSGIApplication:
    """WSGI middleware that reads the headers of each request."""

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        received.set(environ.get("HTTP_TRACEPARENT", ""))
        received_state.set(environ.get("HTTP_TRACESTATE", ""))
        return application(environ, start_response)

    return wrapped


class TraceId(logging.Filter):
    """A filter for log handlers that sets `trace_id` of each record; None if there is no trace."""

    def filter(self, record: logging.LogRecord) -> bool:
        traceparent = current()
        record.trace_id = traceparent[3:35] if traceparent else None
        return True
