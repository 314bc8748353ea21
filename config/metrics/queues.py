"""The queues of the background worker, read from the database, so every machine reports the same values."""

import math

from django.db import connection
from procrastinate.contrib.django import app
from prometheus_client import Gauge

from oauth.operations.background_worker import lanes_of

_ABOUT = "by queue. From the database, the same on every machine."
waiting = Gauge(
    "worker_jobs_waiting", f"Jobs that are due and wait, {_ABOUT}", ["queue"], multiprocess_mode="mostrecent"
)
running = Gauge("worker_jobs_running", f"Jobs that run, {_ABOUT}", ["queue"], multiprocess_mode="mostrecent")
failed = Gauge(
    "worker_jobs_failed", f"Jobs that gave up in the last day, {_ABOUT}", ["queue"], multiprocess_mode="mostrecent"
)
oldest = Gauge(
    "worker_oldest_job_seconds", f"How long the oldest job that is due has waited, {_ABOUT}", ["queue"],
    multiprocess_mode="mostrecent",
)  # fmt: skip
alive = Gauge(
    "workers_alive", "Background worker processes with a heartbeat in the last 30 seconds. From the database, the same "
    "on every machine.", multiprocess_mode="mostrecent",
)  # fmt: skip

# A job's event has the time at which the job was created. A scheduled job is due at its scheduled time.
_JOBS = """
SELECT queue_name, count(*) FILTER (WHERE status = 'todo'), count(*) FILTER (WHERE status = 'doing'),
       coalesce(extract(epoch FROM now() - min(coalesce(scheduled_at, made_at)) FILTER (WHERE status = 'todo')), 0)
  FROM procrastinate_jobs LEFT JOIN LATERAL (
       SELECT min(at) AS made_at FROM procrastinate_events WHERE job_id = procrastinate_jobs.id) AS event ON true
 WHERE status IN ('todo', 'doing') AND (scheduled_at IS NULL OR scheduled_at <= now() OR status = 'doing')
 GROUP BY queue_name"""
_FAILED = """
SELECT queue_name, count(*) FROM procrastinate_jobs
 WHERE status = 'failed' AND EXISTS (SELECT FROM procrastinate_events
       WHERE job_id = procrastinate_jobs.id AND type = 'failed' AND at > now() - interval '1 day')
 GROUP BY queue_name"""
_ALIVE = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '30 seconds'"

_seen: set[str] = set()


def measure() -> None:
    """Reports 0 for a queue without jobs, whether it has become empty or never had any."""
    lanes = lanes_of(app, {})
    with connection.cursor() as cursor:
        cursor.execute(_JOBS)
        jobs = {queue: numbers for queue, *numbers in cursor.fetchall()}
        cursor.execute(_FAILED)
        given_up = dict(cursor.fetchall())
        cursor.execute(_ALIVE)
        # Each lane of a process has its own heartbeat. A process that has just started may lack some of them.
        alive.set(math.ceil(cursor.fetchone()[0] / len(lanes)))
    _seen.update(jobs, given_up, *(lane.queues for lane in lanes))
    for queue in _seen:
        due, doing, age = jobs.get(queue, (0, 0, 0))
        waiting.labels(queue).set(due)
        running.labels(queue).set(doing)
        oldest.labels(queue).set(float(age))
        failed.labels(queue).set(given_up.get(queue, 0))
