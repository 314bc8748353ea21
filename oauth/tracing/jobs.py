"""A span for each job of a background worker, in the trace of the request that created the job."""

from typing import Any

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanKind, Status, StatusCode
from procrastinate.job_context import JobContext
from procrastinate.middleware import AsyncCallNext
from procrastinate.worker import Worker

from oauth.infrastructure import trace_context
from oauth.operations import job_origin
from oauth.tracing.context import remote

_tracer = trace.get_tracer(__name__)


def trace_jobs() -> None:
    if _traced not in job_origin.middlewares:
        job_origin.middlewares.append(_traced)


async def _traced(call_next: AsyncCallNext, context: JobContext, worker: Worker) -> Any:
    job = context.job
    origin = remote(trace_context.received.get(), trace_context.received_state.get())
    parent = trace.set_span_in_context(NonRecordingSpan(origin)) if origin.is_valid else None
    attributes: dict[str, Any] = {"job.id": str(job.id), "job.queue": job.queue, "job.attempt": job.attempts + 1}
    with _tracer.start_as_current_span(
        job.task_name, parent, kind=SpanKind.CONSUMER, attributes=attributes,
        record_exception=False, set_status_on_exception=False,
    ) as span:  # fmt: skip
        try:
            return await call_next()
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
            raise
