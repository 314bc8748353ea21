"""A job remembers the request that made it, and its log lines say so."""

import asyncio
import logging

import pytest
from django.db import connection, transaction
from django_guid import clear_guid, set_guid
from procrastinate.contrib.django import app

from oauth.infrastructure import trace_context
from oauth.operations.job_origin import OriginWorker
from tests.lib.database import connected_as, site_role

pytestmark = pytest.mark.django_db(transaction=True)
REQUEST_ID, TRACE_ID = "0123456789abcdef0123456789abcdef", "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
QUEUE = "of-this-test"


@pytest.fixture(autouse=True)
def no_request():
    token, state = trace_context.received.set(""), trace_context.received_state.set("")
    clear_guid()
    yield
    clear_guid()
    trace_context.received.reset(token)
    trace_context.received_state.reset(state)


@pytest.fixture
def lines():
    """The log lines of the worker about a job, as the site's handlers get them."""
    seen = []

    class Handler(logging.Handler):
        def emit(self, record):
            if record.getMessage().startswith(("Starting job", "Job ")) or record.name == __name__:
                trace_context.TraceId().filter(record)
                seen.append((record.getMessage().split(" oauth")[0], _request_id(), record.trace_id))

    handler, root = Handler(), logging.getLogger()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.INFO)
    yield seen
    root.setLevel(level)
    root.removeHandler(handler)


def _request_id():
    from django_guid import get_guid

    return get_guid()


def defer(**arguments):
    return app.configure_task("oauth.fetch_logo", queue=QUEUE).defer(client_pk=0, **arguments)


def origins():
    with connection.cursor() as cursor:
        cursor.execute("SELECT job_id, request_id, traceparent FROM oauth_job_origin")
        return cursor.fetchall()


def run_jobs(monkeypatch):
    monkeypatch.setattr("oauth.clients.logos.fetch", lambda pk: logging.getLogger(__name__).info("inside"))

    async def run():
        async with app.open_async():
            await OriginWorker(app, [QUEUE], wait=False, install_signal_handlers=False).run()

    with app.replace_connector(app.connector.get_worker_connector()):
        asyncio.run(run())


def test_the_log_lines_of_a_job_have_the_ids_of_its_request(lines, monkeypatch):
    set_guid(REQUEST_ID)
    trace_context.received.set(TRACEPARENT)
    job = defer()
    assert origins() == [(job, REQUEST_ID, TRACEPARENT)]
    clear_guid()
    trace_context.received.set("")
    run_jobs(monkeypatch)
    assert len(lines) == 3
    assert {line[1:] for line in lines} == {(REQUEST_ID, TRACE_ID)}


def test_it_carries_the_state_of_the_trace():
    """W3C Trace Context §3.3: only with a valid traceparent."""
    trace_context.received_state.set("rojo=1, congo=t61")
    defer()
    trace_context.received.set(TRACEPARENT)
    defer()
    with connection.cursor() as cursor:
        cursor.execute("SELECT traceparent, tracestate FROM oauth_job_origin")
        assert cursor.fetchall() == [(TRACEPARENT, "rojo=1,congo=t61")]


def test_the_release_before_defers_without_it():
    """docs/upgrading.md: servers of the last release continue after `migrate`."""
    job = defer()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO oauth_job_origin (job_id, request_id, traceparent) VALUES (%s, '', '')", [job])
    assert origins() == [(job, "", "")]


def test_a_job_of_no_request_has_none(lines, monkeypatch):
    defer()
    assert origins() == []
    run_jobs(monkeypatch)
    assert {line[1:] for line in lines} == {(None, None)}


def test_a_trace_that_is_none_is_not_remembered():
    set_guid(REQUEST_ID)
    trace_context.received.set(f"ff{TRACEPARENT[2:]}")
    job = defer()
    assert origins() == [(job, REQUEST_ID, "")]


def test_it_is_forgotten_with_its_job():
    set_guid(REQUEST_ID)
    defer()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    assert origins() == []


def test_what_a_transaction_takes_back_leaves_no_origin():
    set_guid(REQUEST_ID)
    with transaction.atomic():
        defer()
        transaction.set_rollback(True)
    assert origins() == []


def test_the_sites_role_may_write_it():
    set_guid(REQUEST_ID)
    with site_role() as role, connected_as(role):
        job = defer()
        assert origins() == [(job, REQUEST_ID, "")]
