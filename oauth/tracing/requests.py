"""A span for each request, with OpenTelemetry's WSGI middleware, which continues the trace of the incoming
`traceparent`.
"""

from collections.abc import Callable, Collection, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.http import HttpRequest, HttpResponse
from django_guid import get_guid
from opentelemetry import trace
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

from oauth.infrastructure import trace_context
from oauth.tracing.discretion import REQUEST_ID, ROUTE


def traced(application: WSGIApplication, *, untraced: Collection[str] = ()) -> WSGIApplication:
    """`application` with a span around each request, except to the paths `untraced`, such as those of probes."""
    plain, spans = trace_context.with_trace_context(application), OpenTelemetryMiddleware(application)

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") in untraced:
            return plain(environ, start_response)
        answer: Iterable[bytes] = spans(environ, start_response)
        return answer

    return wrapped


class NamedByRoute:
    """Django middleware that sets the URL pattern (instead of the path) and the request ID of the span."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        span = trace.get_current_span()
        if span.is_recording():
            if request.resolver_match is not None:
                span.set_attribute(ROUTE, f"/{request.resolver_match.route}")
            span.set_attribute(REQUEST_ID, get_guid() or "")
        return response
