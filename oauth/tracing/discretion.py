"""Limits the data in exported spans to the attributes listed here, and to text that we wrote.

The instrumentations also record paths and queries of URLs, IP addresses, user agents and error messages, which may
contain codes, tokens, email addresses and account numbers.
"""

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Status

ROUTE = "http.route"
REQUEST_ID = "countersign.request_id"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ALWAYS = frozenset(
    {
        ROUTE, REQUEST_ID, "http.request.method", "http.response.status_code", "url.scheme", "error.type",
        "db.system.name", "db.query.summary", "db.query.text", "job.id", "job.queue", "job.attempt",
    }
)  # fmt: skip
#: Only for spans of outbound requests, because a request to this server may name any host.
_OF_CLIENTS = _ALWAYS | {"server.address", "server.port"}


class DiscreetExporter(SpanExporter):
    """Passes reduced copies of spans to another exporter."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self.exporter.export([discreet(span) for span in spans])

    def shutdown(self) -> None:
        self.exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        is_done: bool = self.exporter.force_flush(timeout_millis)
        return is_done


def discreet(span: ReadableSpan) -> ReadableSpan:
    """A copy with only allowed attributes, and without events, which contain error messages."""
    allowed = _OF_CLIENTS if span.kind is SpanKind.CLIENT else _ALWAYS
    attributes = {name: value for name, value in (span.attributes or {}).items() if name in allowed}
    return ReadableSpan(
        name=_name(span),
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _name(span: ReadableSpan) -> str:
    """The name of the span. The instrumentation's name of a request contains its path, so it is replaced."""
    if span.kind is not SpanKind.SERVER:
        return str(span.name)
    given = span.attributes or {}
    method = given.get("http.request.method")
    route = given.get(ROUTE)
    return " ".join(str(part) for part in (method if method in _METHODS else "HTTP", route) if part)
