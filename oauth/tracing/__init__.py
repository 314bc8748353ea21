"""OpenTelemetry traces, where OAUTH["TRACING"] is on: spans of requests, statements, outbound requests and jobs.

`start`, `traced` and the middleware `NamedByRoute` are the only ways in. Nothing here is imported where
OAUTH["TRACING"] is off, and then the packages of `countersign-oauth[otel]` need not be installed.
"""

from oauth.tracing.requests import NamedByRoute, traced
from oauth.tracing.starting import start

__all__ = ["NamedByRoute", "start", "traced"]
