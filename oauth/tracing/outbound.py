"""A span for each outbound request, with OpenTelemetry's instrumentation of urllib3, which also sends `traceparent`."""

from typing import Any
from urllib.parse import urlsplit

from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.trace import Span


def trace_outbound_requests() -> None:
    instrumentor = URLLib3Instrumentor()
    if not instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.instrument(request_hook=_name, url_filter=_without_path)


def _name(span: Span, pool: Any, request: Any) -> None:
    """Sets the host of the URL, because the connection uses an IP address (oauth.infrastructure.outbound)."""
    if span.is_recording():
        host = (request.headers or {}).get("Host", "")
        span.set_attribute("server.address", urlsplit(f"//{host}").hostname or pool.host)


def _without_path(url: str) -> str:
    """Removes the path, because that of a webhook may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"
