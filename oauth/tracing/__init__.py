"""OpenTelemetry traces, if OAUTH["TRACING"] is on: spans of requests, statements, outbound requests and jobs.

Use only `start`, `traced` and the middleware `NamedByRoute`. If OAUTH["TRACING"] is off, nothing here is imported, and
the packages of `countersign-oauth[otel]` need not be installed.
"""

from oauth.tracing.requests import NamedByRoute, traced
from oauth.tracing.starting import start

__all__ = ["NamedByRoute", "start", "traced"]
