"""Spans as an OpenTelemetry collector receives them: OTLP over HTTP, in protobuf."""

from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.lib.http_listener import HttpListener

KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


@dataclass(frozen=True)
class Span:
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    #: (trace, span) of each link.
    links: tuple[tuple[str, str], ...]
    attributes: dict[str, Any]
    process: str
    is_error: bool
    began: int


def spans(listener: HttpListener) -> list[Span]:
    """All spans that were received."""
    return [span for _, path, body in list(listener.received) if path == "/v1/traces" for span in _decoded(body)]


def _decoded(body: bytes) -> list[Span]:
    request = ExportTraceServiceRequest.FromString(body)
    return [
        Span(
            name=span.name,
            kind=KINDS[span.kind],
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
            attributes=_attributes(span.attributes),
            process=_attributes(of_process.resource.attributes)["service.instance.id"],
            is_error=span.status.code == 2,
            began=span.start_time_unix_nano,
        )
        for of_process in request.resource_spans
        for scope in of_process.scope_spans
        for span in scope.spans
    ]


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def tree(spans: list[Span], names: dict[str, str]) -> str:
    """The spans as a tree: each request, job and outbound request is below the span that caused it. `names` replaces
    names of processes and hosts.
    """
    shown = sorted((one for one in spans if "db.system.name" not in one.attributes), key=lambda one: one.began)
    by_id = {one.span_id: one for one in spans}
    roots = [one for one in shown if one.parent_id not in by_id]
    return "\n".join(line for root in roots for line in _lines(root, shown, by_id, names, depth=0))


def _lines(span: Span, shown: list[Span], by_id: dict[str, Span], names: dict[str, str], depth: int) -> list[str]:
    host = span.attributes.get("server.address", "")
    to = f" to {names.get(host, host)}" if host else ""
    label = "   " * (depth - 1) + ("└─ " if depth else "") + span.name + to
    links = "".join(f", follows {by_id[one].name}" for _, one in span.links if one in by_id)
    line = f"{label:<48} {names.get(span.process, span.process)}{links}"
    below = [one for one in shown if one.parent_id == span.span_id]
    return [line, *(inner for one in below for inner in _lines(one, shown, by_id, names, depth + 1))]
