"""W3C Trace Context as log lines and jobs use it, without any tracing."""

import logging

import pytest

from oauth.infrastructure import trace_context
from tests.lib.wsgi import ask

TRACE_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
VALID = f"00-{TRACE_ID}-{PARENT_ID}-01"


@pytest.fixture(autouse=True)
def no_trace():
    token = trace_context.received.set("")
    yield
    trace_context.received.reset(token)


def test_a_valid_header_is_taken_up():
    assert trace_context.checked(VALID) == VALID


def test_a_later_version_may_say_more():
    """§3.2.4."""
    assert trace_context.checked(f"cc-{TRACE_ID}-{PARENT_ID}-01-what-comes-later") == VALID


@pytest.mark.parametrize("header", [
    "", "00", f"ff-{TRACE_ID}-{PARENT_ID}-01", f"00-{'0' * 32}-{PARENT_ID}-01", f"00-{TRACE_ID}-{'0' * 16}-01",
    f"00-{TRACE_ID.upper()}-{PARENT_ID}-01", f"00-{TRACE_ID[1:]}-{PARENT_ID}-01", f"{VALID}-more", f"{VALID}.", f"cc-{VALID[3:]}.x",
    f"00-{TRACE_ID}-{PARENT_ID}-1", f"{VALID}\n", f" {VALID}", f"00-{TRACE_ID}-{PARENT_ID}-0g", VALID.replace("4bf9", "４bf9"),
])  # fmt: skip
def test_a_header_that_is_not_valid_is_ignored(header):
    """§3.2.2.3."""
    assert trace_context.checked(header) == ""


def test_each_request_has_its_own():
    seen = []

    def application(environ, start_response):
        record = logging.makeLogRecord({})
        assert trace_context.TraceId().filter(record)
        seen.append(record.trace_id)
        start_response("200 OK", [])
        return [b""]

    traced = trace_context.with_trace_context(application)
    for header in ({"HTTP_TRACEPARENT": VALID}, {}, {"HTTP_TRACEPARENT": "nonsense"}):
        ask(traced, **header)
    assert seen == [TRACE_ID, None, None]
