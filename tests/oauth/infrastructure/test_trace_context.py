"""W3C Trace Context in log lines and jobs, without tracing."""

import logging

import pytest

from oauth.infrastructure import trace_context
from tests.lib.wsgi import ask

TRACE_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
VALID = f"00-{TRACE_ID}-{PARENT_ID}-01"


@pytest.fixture(autouse=True)
def no_trace():
    token, state = trace_context.received.set(""), trace_context.received_state.set("")
    yield
    trace_context.received.reset(token)
    trace_context.received_state.reset(state)


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


@pytest.mark.parametrize(("header", "state"), [
    ("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
    (" rojo=1 ,\t,congo@x=a b!~,", "rojo=1,congo@x=a b!~"),
    ("0tenant@system=x", "0tenant@system=x"),
    (f"a*/-_9={'v' * 256}", f"a*/-_9={'v' * 256}"),
])  # fmt: skip
def test_a_valid_state_is_taken_up(header, state):
    """§3.3.1."""
    assert trace_context.checked_state(header) == state


@pytest.mark.parametrize("header", [
    "rojo", "rojo=", "=1", "Rojo=1", "0rojo=1", "rojo=1=2", "rojo=a,b", "rojo=\x07", "rojo=ä", "rojo=1\n,x=2",
    "rojo=1,rojo=2", "a@=1", "a@0b=1", f"{'k' * 257}=1", f"k={'v' * 257}", ",".join(f"k{n}=1" for n in range(33)),
])  # fmt: skip
def test_a_state_that_is_not_valid_is_ignored_as_a_whole(header):
    """§3.3.1.3, §3.3.1.5; 4.3: a state that cannot be parsed must be discarded."""
    assert trace_context.checked_state(header) == ""


def test_a_state_that_is_too_long_loses_long_members_first_and_then_the_last():
    """§3.3.1.5."""
    short = [f"k{number}={'v' * 90}" for number in range(7)]
    kept = trace_context.checked_state(",".join([f"long={'v' * 140}", *short]))
    assert kept.split(",") == short[:5]
    assert len(kept) <= trace_context.MOST_STATE


def test_a_state_counts_only_beside_a_valid_traceparent():
    """§3.3.1.5."""
    trace_context.received_state.set("rojo=1")
    assert trace_context.current_with_state() == ("", "")
    trace_context.received.set(VALID)
    assert trace_context.current_with_state() == (VALID, "rojo=1")


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
