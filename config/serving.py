"""granian as we run it: what its workers load, how they log, how they stop."""

import gc
import logging
import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.urls import get_resolver
from granian import Granian
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import mp as granian_workers

from config import bodies, draining

STOP_SECONDS = 30
# Longer than load balancers keep an idle connection (60 s is usual), so that they close first and never send
# a request into a connection that we are closing.
IDLE_SECONDS = 75
# Connections, not requests: an idle one is a task of the Rust runtime and costs no thread. There is a thread for each,
# made when it is needed, so that none waits behind those that send slowly; see config/bodies.py.
CONNECTIONS_PER_WORKER = 1024
SECRETS = (
    "SECRET_KEY", "SECRET_KEY_FALLBACKS", "KEY_ENCRYPTION_KEYS", "DATABASE_URL", "CACHE_URL", "EMAIL_URL",
    "PROXY_SECRETS",
)  # fmt: skip


def serve(
    *,
    host: str,
    port: int,
    workers: int,
    threads: int,
    certificate: Path | None = None,
    key: Path | None = None,
    drain_seconds: float = 0,
    body_seconds: float = bodies.BODY_SECONDS,
    idle_seconds: int = IDLE_SECONDS,
) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight then have STOP_SECONDS to finish.

    `threads` of a worker are at work at once. A connection is closed where the headers of its next request have not
    arrived after `idle_seconds`, or the body after `body_seconds`.

    With `drain_seconds`, SIGTERM first makes /health/ready answer 503 for that long, while everything is still
    served: load balancers need the time to notice. Ctrl-C does not wait.
    """
    # Fork, the default on Linux, would copy this process's database connections into the workers.
    multiprocessing.set_start_method("spawn", force=True)
    with tempfile.TemporaryDirectory(prefix="countersign-") as directory:
        os.environ[draining.VARIABLE] = str(Path(directory) / "draining")
        # The workers count into files here, /metrics adds them up.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
        server = _Server(
            "config.wsgi:application",
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            workers=workers,
            blocking_threads=CONNECTIONS_PER_WORKER,
            backpressure=CONNECTIONS_PER_WORKER,
            # Only there does the time limit hold for a connection that sends nothing at all.
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=idle_seconds * 1000),
            websockets=False,
            respawn_failed_workers=True,
            workers_kill_timeout=STOP_SECONDS,
            log_level=LogLevels(settings.LOGGING["root"]["level"].lower()),
            log_dictconfig=_logging(),
            ssl_cert=certificate,
            ssl_key=key,
            ssl_protocol_min=SSLProtocols.tls12,
        )
        server.drain_seconds = drain_seconds
        loader = partial(load_application, threads=threads, body_seconds=body_seconds)
        server.serve(target_loader=loader, wrap_loader=False)


def load_application(*, threads: int = 1, body_seconds: float = bodies.BODY_SECONDS) -> Callable[..., Any]:
    """Called in each worker, first of all."""
    _read_bodies_first(threads, body_seconds)
    # Ctrl-C goes to the server alone, which then tells the workers: one that is told twice at once may hang.
    os.setpgrp()
    threading.Thread(target=_end_with_the_server, daemon=True).start()

    from config.wsgi import application

    # granian copies the process's environment into the environ of every request, where a page of debugging
    # or an error report would show it. The settings have read what they need.
    for name in SECRETS:
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    _settle()
    return application


def _read_bodies_first(threads: int, seconds: float) -> None:
    """granian has no setting for it; a granian without this function does not start (AttributeError)."""
    workers: Any = granian_workers  # which does not export it
    wrap = workers._wsgi_call_wrap

    def wrapped(*arguments: Any) -> Any:
        return bodies.BodiesFirst(wrap(*arguments), places=threads, seconds=seconds)

    workers._wsgi_call_wrap = wrapped


def _settle() -> None:
    """Views are loaded before the first request, and what is loaded stays: the garbage collector need not walk it."""
    get_resolver().url_patterns  # noqa: B018
    gc.collect()
    gc.freeze()


def _end_with_the_server() -> None:
    """A server that was killed would leave workers that keep the port."""
    server = multiprocessing.parent_process()
    if server:
        server.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _logging() -> dict[str, Any]:
    """Ours, with granian's own lines in the same form at the same place."""
    return {
        **settings.LOGGING,
        "filters": {**settings.LOGGING["filters"], "threads": {"()": "config.serving.WithoutThreadCount"}},
        "loggers": {**settings.LOGGING["loggers"], "_granian": {"propagate": True, "filters": ["threads"]}},
    }


class WithoutThreadCount(logging.Filter):
    """Leaves out granian's advice against many threads: most of ours only wait for a body, see config/bodies.py."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "Python threads, which seems quite high" not in record.getMessage()


class _Server(Granian):  # type: ignore[misc, valid-type]
    """Granian with a pause before the stop, and exit code 0 when it was told to stop."""

    drain_seconds: float = 0
    is_draining = False

    def signal_handler_interrupt(self, number: int = signal.SIGINT, *_: Any) -> None:
        if self.interrupt_signal:
            return
        if number == signal.SIGTERM and self.drain_seconds and not self.is_draining:
            self.is_draining = True
            draining.begin()
            pause = threading.Timer(self.drain_seconds, super().signal_handler_interrupt)
            pause.daemon = True
            pause.start()
        else:
            super().signal_handler_interrupt()

    def _respawn_workers(self, *arguments: Any, **options: Any) -> None:
        if (
            self.is_draining
        ):  # the signal reached the workers too (systemd's KillMode=control-group): nothing to wait for
            super().signal_handler_interrupt()
        else:
            super()._respawn_workers(*arguments, **options)

    def shutdown(self, exit_code: int = 0) -> None:
        try:
            super().shutdown(exit_code)
        except SystemExit:
            if not self.interrupt_signal:  # a worker that was faster than us to stop is no failure
                raise
