"""Starts tracing in this process."""

import os
import uuid

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import set_global_textmap
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from oauth.infrastructure import trace_context
from oauth.tracing import context, jobs, outbound, statements
from oauth.tracing.discretion import DiscreetExporter

SERVICE = "countersign"


def start(*, exporter: SpanExporter | None = None) -> TracerProvider:
    """Call this once in a process, after `django.setup()`. The environment variables of OpenTelemetry
    (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG, OTEL_SERVICE_NAME, …) set the
    destination and the sampling of spans.
    """
    # Use the stable attribute names in instrumentations.
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    os.environ.setdefault("OTEL_SERVICE_NAME", SERVICE)
    provider = TracerProvider(resource=Resource.create({"service.instance.id": str(uuid.uuid4())}))
    provider.add_span_processor(BatchSpanProcessor(DiscreetExporter(exporter or OTLPSpanExporter())))
    trace.set_tracer_provider(provider)
    # Without baggage, whose content others wrote, and which would be sent to servers of clients.
    set_global_textmap(TraceContextTextMapPropagator())
    trace_context.provided_by(context.current, context.link)
    statements.trace_statements()
    outbound.trace_outbound_requests()
    jobs.trace_jobs()
    return provider
