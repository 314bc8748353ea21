"""The current span as `traceparent` and `tracestate`, and links to other spans."""

from opentelemetry import trace
from opentelemetry.trace import SpanContext
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from oauth.infrastructure import trace_context

_PROPAGATOR = TraceContextTextMapPropagator()


def current() -> tuple[str, str]:
    """The traceparent and tracestate of the current span or, outside of a span, those of the request or job."""
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return trace_context.of_request()
    state = trace_context.checked_state(span.trace_state.to_header())
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}", state


def link(traceparent: str) -> None:
    """Links the current span to the span of `traceparent`."""
    other = remote(traceparent)
    if other.is_valid:
        trace.get_current_span().add_link(other)


def remote(traceparent: str, tracestate: str = "") -> SpanContext:
    """A remote span context, which is invalid if the traceparent is."""
    headers = {"traceparent": traceparent, "tracestate": tracestate}
    return trace.get_current_span(_PROPAGATOR.extract(headers)).get_span_context()
