"""Stores the request ID and the trace of the request that created a job, for the log lines of the job.

They are in a separate table instead of job arguments, because a background worker of the previous release must be able
to run the job.
"""

from typing import Any

from django_guid import get_guid, set_guid
from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from procrastinate.middleware import WorkerMiddleware
from procrastinate.worker import Worker

from oauth.infrastructure import trace_context

# procrastinate's statement, extended to insert our row for each job without another round trip.
_DEFER = """
WITH made AS (
  SELECT unnest(procrastinate_defer_jobs_v1(%(jobs)s::procrastinate_job_to_defer_v1[])) AS id
), noted AS (
  INSERT INTO oauth_job_origin (job_id, request_id, traceparent, tracestate)
  SELECT id, %(request_id)s, %(traceparent)s, %(tracestate)s FROM made
)
SELECT id FROM made"""
_READ = "SELECT request_id, traceparent, tracestate FROM oauth_job_origin WHERE job_id = %(job_id)s"


#: Middleware for the jobs of the background worker; `oauth.tracing` adds its own.
middlewares: list[WorkerMiddleware] = []


class Origins(JobManager):
    """procrastinate's job manager, extended to store the origin of each job."""

    def _defer_jobs_query_kwargs(self, jobs: list[Job]) -> dict[str, Any]:
        arguments: dict[str, Any] = super()._defer_jobs_query_kwargs(jobs)
        request_id, (traceparent, tracestate) = get_guid() or "", trace_context.current_with_state()
        if not request_id and not traceparent:
            return arguments
        origin = {"request_id": request_id, "traceparent": traceparent, "tracestate": tracestate}
        return {**arguments, "query": _DEFER, **origin}


def remember_origins(app: App) -> None:
    """For PROCRASTINATE_ON_APP_READY."""
    app.job_manager = Origins(app.connector)


class OriginWorker(Worker):
    """procrastinate's worker, extended to restore the request ID and the trace of each job."""

    async def _process_job(self, context: JobContext) -> None:
        """Sets context variables only for this job, because procrastinate runs each call in its own context."""
        try:
            rows = await self.app.connector.execute_query_all_async(_READ, job_id=context.job.id)
        except ConnectorException:
            rows = []  # run the job anyway, which handles the outage
        for row in rows:
            if row["request_id"]:
                set_guid(row["request_id"])
            trace_context.received.set(row["traceparent"])
            trace_context.received_state.set(row["tracestate"])
        await super()._process_job(context)
