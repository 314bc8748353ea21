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

# §3.3.1.3.
_KEY = r"(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
_MEMBER = re.compile(rf"(?P<key>{_KEY})=[ -+\--<>-~]{{0,255}}[!-+\--<>-~]")
_MOST_MEMBERS = 32
MOST_STATE = 512
_LONG_MEMBER = 128

#: The headers as they arrived, or as they were stored with a job.
received: ContextVar[str] = ContextVar("traceparent", default="")
received_state: ContextVar[str] = ContextVar("tracestate", default="")


def checked(header: str) -> str:
    """The header in the form of version 00, or nothing: a header that is not valid must be ignored (§3.2.2.3)."""
    found = _FORM.fullmatch(header)
    if found is None or found["version"] == "ff" or (found["version"] == "00" and found["more"] is not None):
        return ""
    if not found["trace_id"].strip("0") or not found["parent_id"].strip("0"):
        return ""
    return f"00-{found['trace_id']}-{found['parent_id']}-{found['flags']}"


def checked_state(header: str) -> str:
    """`tracestate` in at most MOST_STATE characters, or nothing if one of its members is not valid (§3.3.1).

    If it is too long, long members are dropped first, then those at the end (§3.3.1.5).
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
    """The trace context that came with the request or the job, if it is valid."""
    traceparent = checked(received.get())
    return traceparent, checked_state(received_state.get()) if traceparent else ""


def _no_link(traceparent: str) -> None:
    """Does nothing, because tracing is off."""


_source: Callable[[], tuple[str, str]] = of_request
_link: Callable[[str], None] = _no_link


def provided_by(source: Callable[[], tuple[str, str]], link: Callable[[str], None]) -> None:
    """`source` returns the current traceparent and tracestate, or nothing; `link` links the current span to another
    one."""
    global _source, _link
    _source, _link = source, link


def current() -> str:
    """The trace as a valid traceparent; empty if there is none."""
    return _source()[0]


def current_with_state() -> tuple[str, str]:
    """The traceparent, and the tracestate that belongs to it. Each may be empty."""
    return _source()


def follows(traceparent: str) -> None:
    """Links this request to the one that began the flow, such as a token request to the authorization request of its
    code.
    """
    if traceparent:
        _link(traceparent)


def with_trace_context(application: WSGIApplication) -> WSGIApplication:
    """Remembers the headers for the log lines and jobs of each request."""

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        received.set(environ.get("HTTP_TRACEPARENT", ""))
        received_state.set(environ.get("HTTP_TRACESTATE", ""))
        return application(environ, start_response)

    return wrapped


class TraceId(logging.Filter):
    """A filter for a log handler. It sets `trace_id` of each record, None if there is no trace."""

    def filter(self, record: logging.LogRecord) -> bool:
        traceparent = current()
        record.trace_id = traceparent[3:35] if traceparent else None
        return True
