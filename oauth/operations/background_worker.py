"""The background worker: runs jobs until it gets a signal, and survives restarts and failovers of the database.

Each kind of job has a lane, a procrastinate worker in this process, so that slow jobs of one kind do not delay others.
procrastinate's own command exits with code 0 when its connection is lost.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import psycopg
from django.apps import apps
from django.db import close_old_connections, connections
from procrastinate import App, PsycopgConnector
from procrastinate.connector import BaseConnector
from procrastinate.contrib.django import settings as of_procrastinate
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker

from oauth.infrastructure import outage
from oauth.operations import job_origin, job_server
from oauth.operations.job_origin import OriginWorker

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

#: The lane for the queues named after Django apps and for procrastinate's own: cleanup, key rotation, ledger audits.
UPKEEP = "upkeep"
DEFAULT_CONCURRENCY = 2
#: The time between attempts to connect to the database.
PAUSE_SECONDS = 1.0
HEALTH_SECONDS = 5.0
#: The default of how long running jobs may continue after the signal.
STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Lane:
    name: str
    queues: tuple[str, ...]
    #: How many jobs run at the same time.
    concurrency: int = DEFAULT_CONCURRENCY


def lanes_of(app: App, concurrency: Mapping[str, int]) -> list[Lane]:
    """One lane for each queue of a registered task, except that queues named after Django apps share one.

    Raises ValueError if `concurrency` names another lane or a number below 1.
    """
    of_apps = {"default", "builtin", *(config.label for config in apps.get_app_configs())}
    queues = {task.queue for task in app.tasks.values()}
    shared = tuple(sorted(queues & of_apps | {"default"}))
    found = {name: (name,) for name in sorted(queues - of_apps)} | {UPKEEP: shared}
    for name, number in concurrency.items():
        if name not in found or number < 1:
            raise ValueError(f"{name}={number} must be one of {', '.join(found)} and a number from 1.")
    return [Lane(name, queues, concurrency.get(name, DEFAULT_CONCURRENCY)) for name, queues in found.items()]


class WorkerConnector(PsycopgConnector):
    """A worker's connector for reading and finishing jobs. Jobs deferred by a task are written in the task's
    transaction.

    With procrastinate's own connector, a deferred job would be committed immediately, and could run before the rows
    that it needs are committed, or although they were rolled back.
    """

    def __init__(self, of_tasks: BaseConnector, **options: Any) -> None:
        super().__init__(**options)
        self._of_tasks = of_tasks

    def get_sync_connector(self) -> BaseConnector:
        return self._of_tasks


class JobThreads(ThreadPoolExecutor):
    """Closes a thread's lost database connections before each job, as Django does before a request. Otherwise the first
    job of each thread after an outage would fail.
    """

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> "Future[Result]":
        return super().submit(_with_fresh_connections, fn, *args, **kwargs)


def _with_fresh_connections(job: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
    close_old_connections()
    return job(*args, **kwargs)


class BackgroundWorker:
    """Runs jobs. Touches `health_file` every HEALTH_SECONDS, also while it waits for the database."""

    def __init__(
        self, app: App, lanes: Sequence[Lane], *, health_file: Path | None = None, stop_seconds: float = STOP_SECONDS
    ) -> None:
        self.app, self.lanes, self.health_file, self.stop_seconds = app, lanes, health_file, stop_seconds

    def run(self) -> None:
        """Returns after SIGTERM or SIGINT, when the running jobs have ended. If one still runs after `stop_seconds`,
        ends the process, and another worker runs the job again. Raises ConnectorException for errors that waiting
        cannot resolve, such as missing tables.
        """
        jobs_at_once = sum(lane.concurrency for lane in self.lanes)
        _prepare_connections(jobs_at_once)
        connector = WorkerConnector(
            self.app.connector.get_sync_connector(),
            kwargs=_connector_params(),
            timeout=PAUSE_SECONDS,  # for getting a connection from the pool
            min_size=1,
            max_size=2 * len(self.lanes),  # each lane uses one connection to listen
        )
        with self.app.replace_connector(connector), JobThreads(jobs_at_once, "job") as threads:
            asyncio.run(self._run(threads))

    async def _run(self, threads: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        # asyncio's default executor has too few threads: four more than cores
        loop.set_default_executor(threads)
        stop = asyncio.Event()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, stop.set)
        health = asyncio.create_task(self._show_health())
        while not stop.is_set():
            try:
                # Fail immediately if the database is unreachable; the pool would wait for half a minute.
                await (await psycopg.AsyncConnection.connect(**_connector_params())).close()
                # Never cancel this task: a pool that is cancelled while opening stays open, and the process does not
                # exit.
                async with self.app.open_async():
                    await self._run_lanes(stop)
            except (ConnectorException, psycopg.Error) as error:
                if not is_outage(error):
                    raise
                logger.warning(
                    "The background worker is waiting for the database: %s", str(error.__cause__ or error).strip()
                )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PAUSE_SECONDS)
        health.cancel()

    async def _run_lanes(self, stop: asyncio.Event) -> None:
        """Runs the lanes until `stop` is set or a lane fails, whose error is raised.

        Stops lanes instead of cancelling them, because asyncio.wait_for() may lose a cancellation before Python 3.12.
        """
        ending = asyncio.Event()
        workers = [self._worker(lane) for lane in self.lanes]
        stopped = asyncio.create_task(stop.wait())
        lanes = [asyncio.create_task(_keep(worker, ending)) for worker in workers]
        await asyncio.wait([stopped, *lanes], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        ending.set()
        for worker in workers:
            worker.stop()  # waits for its jobs
        _, late = await asyncio.wait(lanes, timeout=self.stop_seconds)
        if late and stop.is_set():
            self._end_process([lane.name for lane, task in zip(self.lanes, lanes, strict=True) if task in late])
        for task in late:
            task.cancel()
        ended = await asyncio.gather(*lanes, return_exceptions=True)
        errors = [one for one in ended if isinstance(one, Exception)]
        if errors:
            raise next((one for one in errors if not is_outage(one)), errors[0])

    def _end_process(self, lanes: list[str]) -> NoReturn:
        """Neither a thread nor a statement in it can be cancelled from here. PostgreSQL rolls the statement's
        transaction back.
        """
        logger.warning(
            "Jobs of these lanes are still running %g seconds after the signal: %s. They end with this process, and "
            "another worker runs them again.", self.stop_seconds, ", ".join(lanes),
        )  # fmt: skip
        logging.shutdown()
        os._exit(0)

    def _worker(self, lane: Lane) -> Worker:
        return OriginWorker(
            self.app,
            list(lane.queues),
            name=lane.name,
            concurrency=lane.concurrency,
            install_signal_handlers=False,
            worker_middleware=job_origin.middlewares,
            task_middleware=[job_server.run_on_its_server],
        )

    async def _show_health(self) -> None:
        while self.health_file:
            self.health_file.touch()
            await asyncio.sleep(HEALTH_SECONDS)


async def _keep(worker: Worker, ending: asyncio.Event) -> None:
    """Restarts the worker whenever it ends."""
    while not ending.is_set():
        await worker.run()
        if ending.is_set():
            return
        # procrastinate has logged the reason.
        logger.warning("A connection of the background worker was lost. Restarting lane %s.", worker.worker_name)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ending.wait(), PAUSE_SECONDS)


def is_outage(error: BaseException | None) -> bool:
    """Whether the database is temporarily unreachable or read-only."""
    while error is not None:
        if isinstance(error, outage.OF_PSYCOPG):
            return True
        error = error.__cause__
    return False


def _connector_params() -> dict[str, Any]:
    return connector_params(of_procrastinate.settings.DATABASE_ALIAS)


def _prepare_connections(jobs_at_once: int) -> None:
    """Sets the application_name of the connections, and the size of Django's pool, because each job may hold a
    connection.
    """
    options = connections[of_procrastinate.settings.DATABASE_ALIAS].settings_dict.setdefault("OPTIONS", {})
    options["application_name"] = "countersign worker"
    pool = options.get("pool")
    if isinstance(pool, dict):
        pool["max_size"] = max(pool.get("max_size") or 0, jobs_at_once)
