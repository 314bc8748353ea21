"""A job runs only on the database server from which it was fetched."""

import pytest
from django.db import OperationalError, connection
from django.db.backends.signals import connection_created
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job

from oauth.operations.background_worker import BackgroundWorker, lanes_of
from oauth.operations.job_server import run_on_its_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def context():
    number = app.configure_task("oauth.fetch_logo", queue="oauth").defer(client_pk=0)
    job = Job(id=number, queue="oauth", lock=None, queueing_lock=None, task_name="oauth.fetch_logo")
    return JobContext(start_timestamp=0, app=app, job=job, abort_reason=lambda: None)


def run(context):
    return run_on_its_server(lambda: "done", context, None)


def has_become(job, status):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = %s WHERE id = %s", [status, job.id])


def test_a_job_runs_where_it_was_fetched(context):
    has_become(context.job, "doing")
    assert run(context) == "done"


def test_a_server_that_does_not_know_that_the_job_is_running_runs_no_job(context):
    """A former primary has the job as it was before the failover, or not at all."""
    with pytest.raises(OperationalError, match="does not know that this job is running"):
        run(context)
    ProcrastinateJob.objects.all().delete()
    with pytest.raises(OperationalError):
        run(context)


def test_a_connection_to_such_a_server_is_not_used_again(context):
    """The next connection leads to the server that knows the job."""
    connection.ensure_connection()
    stale = connection.connection

    def is_another_server(**_):
        has_become(context.job, "doing")

    connection_created.connect(is_another_server)
    try:
        assert run(context) == "done"
    finally:
        connection_created.disconnect(is_another_server)
    assert stale.closed


def test_the_background_worker_checks_it():
    worker = BackgroundWorker(app, lanes_of(app, {}))
    assert all(run_on_its_server in worker._worker(lane).task_middleware for lane in worker.lanes)
