"""`manage.py worker`: jobs run across outages of the database, and one kind of job delays no other."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connection, connections, transaction
from procrastinate import App
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.contrib.django.utils import connector_params
from procrastinate.jobs import Job
from procrastinate.schema import SchemaManager
from procrastinate.testing import InMemoryConnector
from psycopg import sql
from psycopg_pool import PoolTimeout

from oauth.operations.background_worker import UPKEEP, JobThreads, Lane, WorkerConnector, lanes_of
from tests.lib.database import url_of
from tests.lib.servers import PATIENCE_SECONDS, ROOT, own_database, wait_until

#: `manage.py` with a job that never ends.
ENDLESS_JOB = """
import os, sys, threading

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
import django
from django.core.management import execute_from_command_line

django.setup()
from procrastinate.contrib.django import app


@app.task(name="tests.endless", queue="oauth")
def endless(timestamp: int) -> None:
    threading.Event().wait()


execute_from_command_line(["manage.py", *sys.argv[1:]])
"""


class Worker:
    """The command, as a supervisor starts it."""

    def __init__(self, url: str, directory: Path, *arguments: str, program: Sequence[str] = ("manage.py",)) -> None:
        self.url, self.health_file, self.log_file = url, directory / "health", directory / "worker.log"
        command = [sys.executable, *program, "worker", "--health-file", str(self.health_file), *arguments]
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, "DATABASE_URL": url}, stdout=log, stderr=log
            )

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def runs(self) -> bool:
        assert self.process.poll() is None, self.log
        return True

    def waits(self) -> bool:
        return self.runs() and "is waiting for the database" in self.log

    def does(self, job: int) -> bool:
        self.runs()
        return status_of(self.url, job) == "succeeded"


def deferred(url: str, task: str = "oauth.remove_old_jobs", queue: str = "oauth") -> int:
    with psycopg.connect(url) as connection:
        statement = "INSERT INTO procrastinate_jobs (task_name, queue_name, args) VALUES (%s, %s, %s) RETURNING id"
        number: int = connection.execute(statement, [task, queue, '{"timestamp": 1}']).fetchone()[0]
    return number


def status_of(url: str, job: int) -> str:
    with psycopg.connect(url) as connection:
        [status] = connection.execute("SELECT status FROM procrastinate_jobs WHERE id = %s", [job]).fetchone()
    return str(status)


def cut_connections(url: str, *, except_for: psycopg.Connection) -> None:
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    except_for.execute(cut, [urlsplit(url).path[1:]])


@contextmanager
def outage(url: str) -> Iterator[None]:
    """Makes the database unreachable for everybody until the block ends."""
    parts = urlsplit(url)
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    name = sql.Identifier(parts.path[1:])
    with psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True) as beside:
        beside.execute(allow.format(name, sql.SQL("false")))
        cut_connections(url, except_for=beside)
        try:
            yield
        finally:
            beside.execute(allow.format(name, sql.SQL("true")))


@pytest.fixture
def url() -> Iterator[str]:
    with own_database("worker") as url:
        yield url


@pytest.fixture
def start(url: str, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    with psycopg.connect(url) as connection:
        connection.execute(SchemaManager.get_schema())  # the schema that procrastinate's migrations make
    started: list[Worker] = []

    def start(*arguments: str, **options: Any) -> Worker:
        started.append(Worker(url, tmp_path, *arguments, **options))
        return started[-1]

    yield start
    for worker in started:
        worker.process.kill()
        worker.process.wait()


@pytest.mark.served
class TestTheProcess:
    def test_it_goes_on_after_an_outage_of_the_database(self, url, start):
        worker = start()
        first = deferred(url)
        wait_until(lambda: worker.does(first), or_else=lambda: worker.log)
        with outage(url):
            wait_until(worker.waits, or_else=lambda: worker.log)
        second = deferred(url)
        wait_until(lambda: worker.does(second), or_else=lambda: worker.log)

    def test_it_goes_on_when_its_connections_are_cut(self, url, start):
        worker = start()
        first = deferred(url)
        wait_until(lambda: worker.does(first), or_else=lambda: worker.log)
        with psycopg.connect(url, autocommit=True) as beside:
            cut_connections(url, except_for=beside)
        second = deferred(url)
        wait_until(lambda: worker.does(second), or_else=lambda: worker.log)

    def test_it_starts_before_the_database(self, url, start):
        with outage(url):
            worker = start()
            wait_until(worker.waits, or_else=lambda: worker.log)
        first = deferred(url)
        wait_until(lambda: worker.does(first), or_else=lambda: worker.log)

    @pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
    def test_it_ends_cleanly_when_told_to(self, url, start, signal_number):
        worker = start()
        lanes = len(lanes_of(app, {}))
        wait_until(lambda: worker.runs() and worker.log.count("Starting worker") == lanes, or_else=lambda: worker.log)
        assert worker.health_file.exists()
        worker.process.send_signal(signal_number)
        assert worker.process.wait(PATIENCE_SECONDS) == 0, worker.log
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM procrastinate_workers").fetchone() == (0,)

    def test_it_ends_cleanly_while_it_starts(self, url, start):
        """Some of its lanes are cancelled before they have inserted their row, and some after."""
        for _ in range(2):
            worker = start()
            wait_until(lambda worker=worker: worker.runs() and "Starting worker" in worker.log)
            worker.process.send_signal(signal.SIGTERM)
            assert worker.process.wait(PATIENCE_SECONDS) == 0, worker.log

    def test_a_job_that_does_not_end_ends_with_the_process(self, url, start):
        """Otherwise a supervisor kills the worker, and meanwhile two workers run the job."""
        worker = start("--stop-seconds=0.5", program=["-c", ENDLESS_JOB])
        job = deferred(url, task="tests.endless")
        wait_until(lambda: worker.runs() and status_of(url, job) == "doing", or_else=lambda: worker.log)
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(PATIENCE_SECONDS) == 0, worker.log
        assert "Jobs of these lanes are still running 0.5 seconds after the signal: upkeep." in worker.log
        assert status_of(url, job) == "doing"  # until another worker takes it over

    def test_it_ends_with_an_error_if_waiting_does_not_help(self, url, tmp_path):
        worker = Worker(url, tmp_path)  # before `migrate`
        assert worker.process.wait(PATIENCE_SECONDS) == 1
        assert "Has `manage.py migrate` run?" in worker.log


class TestLanes:
    @pytest.fixture
    def app(self):
        app = App(connector=InMemoryConnector())
        for queue in ("mail", "webhooks", "oauth", "accounts"):
            app.task(name=f"{queue}.something", queue=queue)(lambda: None)
        return app

    def test_each_kind_has_one_and_the_apps_share_one(self, app):
        assert lanes_of(app, {}) == [
            Lane("mail", ("mail",)), Lane("webhooks", ("webhooks",)), Lane(UPKEEP, ("accounts", "builtin", "default", "oauth")),
        ]  # fmt: skip

    def test_how_many_jobs_run_at_once_is_a_choice(self, app):
        assert {lane.name: lane.concurrency for lane in lanes_of(app, {"webhooks": 5})} == {
            "mail": 2, "webhooks": 5, UPKEEP: 2,
        }  # fmt: skip

    @pytest.mark.parametrize("wrong", [{"letters": 2}, {"mail": 0}])
    def test_an_invalid_lane_is_refused(self, app, wrong):
        with pytest.raises(ValueError, match="must be one of mail, webhooks, upkeep and a number from 1"):
            lanes_of(app, wrong)

    @pytest.mark.parametrize("wrong", ["letters=2", "mail=0", "mail=many", "mail"])
    def test_the_command_refuses_a_wrong_concurrency(self, wrong):
        with pytest.raises(CommandError):
            call_command("worker", f"--concurrency={wrong}")

    @pytest.mark.parametrize("wrong", ["-1", "nan", "inf", "soon"])
    def test_the_command_refuses_a_stop_time_that_is_not_a_number_of_seconds(self, wrong):
        with pytest.raises(CommandError, match="must be a number of seconds, at least 0"):
            call_command("worker", f"--stop-seconds={wrong}")


@pytest.mark.django_db(transaction=True)
class TestWhatAJobDefers:
    @pytest.fixture
    def run(self):
        """Runs `job` as a background worker does. Returns its final status."""

        def run(job: Callable[[], object]) -> str:
            app.task(name="oauth.of_this_test", queue="of-this-test")(job)
            number = app.configure_task("oauth.of_this_test", queue="of-this-test").defer()
            parameters = connector_params(DEFAULT_DB_ALIAS)
            with app.replace_connector(WorkerConnector(app.connector.get_sync_connector(), kwargs=parameters)):
                app.run_worker(queues=["of-this-test"], wait=False, install_signal_handlers=False)
            return str(ProcrastinateJob.objects.get(pk=number).status)

        yield run
        app.tasks.pop("oauth.of_this_test")

    def test_is_rolled_back_with_its_transaction(self, run):
        def job():
            with transaction.atomic():
                app.configure_task("oauth.fetch_logo", queue="later").defer(client_pk=0)
                transaction.set_rollback(True)

        assert run(job) == "succeeded"
        assert not ProcrastinateJob.objects.filter(queue_name="later").exists()

    def test_is_not_seen_before_its_transaction_ends(self, run):
        """Otherwise, the job would look for a row that is not committed yet."""
        seen = []

        def job():
            with transaction.atomic():
                app.configure_task("oauth.fetch_logo", queue="later").defer(client_pk=0)
                with psycopg.connect(url_of()) as beside:
                    seen.append(beside.execute("SELECT FROM procrastinate_jobs WHERE queue_name = 'later'").fetchall())

        assert run(job) == "succeeded"
        assert seen == [[]]
        assert ProcrastinateJob.objects.filter(queue_name="later").count() == 1


def test_a_job_after_an_outage_does_not_fail_for_the_lost_connection_of_its_thread(transactional_db):
    """The database answers again, but the thread still holds the connection that an earlier job used."""

    def job():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return cursor.fetchone()[0]

    with JobThreads(1) as threads:
        lost = threads.submit(job).result()
        with psycopg.connect(url_of(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 10000)", [lost])
        assert threads.submit(job).result() != lost
        threads.submit(connections.close_all).result()


def test_every_job_that_nothing_repeats_is_tried_again_after_an_outage():
    """An email about a changed login must not be lost because the database was restarted in that moment."""
    repeated = {name for name, _ in app.periodic_registry.periodic_tasks}
    ours = [one for one in app.tasks.values() if one.name.startswith(("accounts.", "banking.", "oauth."))]
    once = [one for one in ours if one.name not in repeated]
    assert {"accounts.tell_owner", "banking.deliver_webhook"} <= {one.name for one in once}

    def retries(task, error):
        job = Job(id=1, queue=task.queue, lock=None, queueing_lock=None, task_name=task.name, attempts=0)
        return task.retry_strategy and task.retry_strategy.get_retry_decision(exception=error, job=job)

    assert [
        one.name
        for one in once
        if not all(retries(one, error) for error in (OperationalError(), InterfaceError(), PoolTimeout()))
    ] == []


def test_a_health_file_in_no_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="must be in a directory that exists"):
        call_command("worker", health_file=tmp_path / "missing" / "health")
