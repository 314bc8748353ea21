"""The background worker beside the server, in a separate process that is started again whenever it ends."""

import logging
import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import django
from django.core.management import call_command

from config.server import child_process

#: The time between the end of a worker and the start of the next one.
PAUSE_SECONDS = 2.0

logger = logging.getLogger(__name__)


@contextmanager
def running() -> Iterator[None]:
    """Context manager: runs the worker, and at the end of the block waits until the running jobs have ended.

    The process is spawned, because a fork would inherit this process's database connections.
    """
    stop, begun = threading.Event(), threading.Event()
    keeper = threading.Thread(target=_keep, args=[stop, begun], name="background-worker", daemon=True)
    keeper.start()
    begun.wait()  # so that later changes of the server's environment do not affect the worker
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _keep(stop: threading.Event, begun: threading.Event) -> None:
    spawn = multiprocessing.get_context("spawn")
    while not stop.is_set():
        worker = spawn.Process(target=_work, name="background-worker")
        worker.start()
        begun.set()
        logger.info("The background worker is process %d.", worker.pid)
        while worker.is_alive() and not stop.wait(0.5):
            pass
        if stop.is_set():
            worker.terminate()
            worker.join()
            return
        logger.error("The background worker ended with exit code %d. It starts again.", worker.exitcode)
        stop.wait(PAUSE_SECONDS)


def _work() -> None:
    child_process.belong_to_the_server()
    django.setup()
    call_command("worker")
