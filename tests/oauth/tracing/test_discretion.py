"""The exported spans contain no text of users or clients, and no secret."""

import pytest

pytest.importorskip("opentelemetry.sdk", reason="the packages of countersign-oauth[otel] are not installed")
from django.db import DatabaseError
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode

from oauth.tracing import statements
from oauth.tracing.discretion import DiscreetExporter

SECRET = "s3cr3t"


@pytest.fixture
def collected():
    return InMemorySpanExporter()


@pytest.fixture
def tracer(collected):
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(DiscreetExporter(collected)))
    return provider.get_tracer("tests")


def exported(collected):
    [span] = collected.get_finished_spans()
    return span


def test_a_request_is_named_by_its_route_and_never_by_its_path(tracer, collected):
    attributes = {"http.request.method": "GET", "http.route": "/reset/<key>", "url.path": f"/reset/{SECRET}",
                  "url.query": f"code={SECRET}", "user_agent.original": SECRET, "client.address": "192.0.2.1",
                  "server.address": SECRET, "http.url": SECRET, "http.target": SECRET}  # fmt: skip
    with tracer.start_as_current_span(f"GET /reset/{SECRET}", kind=SpanKind.SERVER, attributes=attributes):
        pass
    span = exported(collected)
    assert span.name == "GET /reset/<key>"
    assert dict(span.attributes) == {"http.request.method": "GET", "http.route": "/reset/<key>"}


def test_a_request_of_no_route_has_the_name_of_its_method(tracer, collected):
    with tracer.start_as_current_span(
        f"BREW /{SECRET}", kind=SpanKind.SERVER, attributes={"http.request.method": SECRET}
    ):
        pass
    assert exported(collected).name == "HTTP"


def test_the_text_of_an_error_is_not_exported(tracer, collected):
    """Error messages of PostgreSQL contain values: `Key (email)=(alice@…) already exists`."""
    with tracer.start_as_current_span("work") as span:
        span.record_exception(ValueError(SECRET))
        span.set_status(Status(StatusCode.ERROR, SECRET))
    span = exported(collected)
    assert (span.status.status_code, span.status.description, span.events) == (StatusCode.ERROR, None, ())
    assert SECRET not in span.to_json()


@pytest.mark.parametrize(("state", "is_error"), [("BK001", False), ("40001", True), (None, True)])
def test_a_statement_that_undid_itself_is_no_error(tracer, collected, state, is_error):
    """Such a statement reports that the payment must be decided by the full code."""

    def failed():
        cause = Exception()
        cause.sqlstate = state
        raise DatabaseError(SECRET) from cause

    with tracer.start_as_current_span("work") as span, pytest.raises(DatabaseError):
        statements._run(span, failed)
    assert (exported(collected).status.status_code is StatusCode.ERROR) is is_error


@pytest.mark.parametrize(("sql", "summary", "text"), [
    ('SELECT "oauth_client"."id" FROM "oauth_client" WHERE "id" = %s', "SELECT oauth_client", None),
    ("INSERT INTO ledger_entry (id) VALUES (%s)", "INSERT ledger_entry", None),
    ("INSERT INTO t (a) VALUES (%s) ON CONFLICT (a) DO UPDATE SET a = %s", "INSERT t", None),
    ('UPDATE "hold" SET "status" = %s', "UPDATE hold", None),
    ("SELECT post_transfer(%s, %s)", "SELECT post_transfer", None),
    ("SELECT 1", "SELECT", None),
    ("SAVEPOINT s139672_x4", "SAVEPOINT", ""),
    (f"ALTER ROLE r PASSWORD '{SECRET}'", "ALTER", "ALTER ROLE r PASSWORD ?"),
    (f"SELECT * FROM t WHERE a = 'it''s {SECRET}' AND b = %s", "SELECT t", "SELECT * FROM t WHERE a = ? AND b = %s"),
    ("", "statement", None),
])  # fmt: skip
def test_a_statement_is_described_without_literals(sql, summary, text):
    assert statements.described(sql) == (summary, sql if text is None else text)


def test_a_long_statement_is_named_by_its_table_and_cut():
    columns = ", ".join(f"held.column_{number}" for number in range(200))
    summary, text = statements.described(f"SELECT {columns} FROM oauth_authorizationcode held")
    assert (summary, len(text)) == ("SELECT oauth_authorizationcode", statements.MOST_CHARACTERS)
