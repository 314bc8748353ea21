"""Runs the site in granian: what the worker processes load, how they log, and how they stop."""

import gc
import logging
import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.urls import get_resolver
from django.utils.module_loading import import_string
from granian import Granian
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import mp as granian_workers

from accounts.passwords import argon2, turns
from config.database import watch
from config.database.replica import watch as replica_watch
from config.metrics import shared_cache  # noqa: F401 (so that its metrics exist)
from config.metrics.probes import PROBES
from config.metrics.sampling import Sampler
from config.server import (
    admission,
    background_worker,
    bodies,
    child_process,
    draining,
    heartbeats,
    large_pages,
    lending,
    listener,
    probe_server,
)
from oauth.conf import conf
from oauth.infrastructure.stop_flag import StopFlag

STOP_SECONDS = 30
# Longer than load balancers keep an idle connection (usually 60 s), so that they close it first and never send a
# request on a connection that the server is closing.
IDLE_SECONDS = 75
# Each connection may use a thread, which granian creates when it is needed, so that no request waits behind slow ones.
# An idle connection uses no thread. See config/server/bodies.py.
CONNECTIONS_PER_WORKER = 1024
#: Pages that compute a password hash for a visitor who is not logged in.
HASHING_FORMS = ("/accounts/login/", "/accounts/signup/")
ONE_SLOT = partial(admission.Slots, 1)
SECRETS = (
    "SECRET_KEY", "SECRET_KEY_FALLBACKS", "KEY_ENCRYPTION_KEYS", "DATABASE_URL", "DATABASE_REPLICA_URL", "CACHE_URL",
    "EMAIL_URL", "PROXY_SECRETS", "PAIRWISE_SUBJECT_KEY", "KEY_STORES", "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
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
    queue: int = admission.MOST_QUEUED,
    queue_seconds: float = admission.QUEUE_SECONDS,
    health_port: int | None = None,
    write_seconds: float = listener.WRITE_SECONDS,
    with_worker: bool = False,
) -> None:
    """Serves until SIGTERM or SIGINT. Requests in flight then have STOP_SECONDS to finish.

    Each worker process handles `threads` requests at a time; up to `queue` others wait, for `queue_seconds` at most,
    and further ones are answered 503. It closes a connection if the headers of the next request have not arrived after
    `idle_seconds`, or the body after `body_seconds`, or if the client reads nothing for `write_seconds`. With
    `health_port`, this process answers the probes there. With `with_worker`, a background worker runs beside it.

    With `drain_seconds`, SIGTERM first makes /health/ready answer 503 for that time while all requests are still
    served, so that load balancers notice. Ctrl-C does not wait.
    """
    # With fork, the workers would inherit this process's database connections.
    multiprocessing.set_start_method("spawn", force=True)
    if conf.FAST_PATH:
        large_pages.use()
    with ExitStack() as stack:
        if with_worker:
            stack.enter_context(background_worker.running())
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="countersign-"))
        os.environ[draining.VARIABLE] = str(Path(directory) / "draining")
        # Each worker writes its metrics into files here, and /metrics adds them up.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
        os.environ[heartbeats.VARIABLE] = directory
        if health_port is not None:
            heartbeats.begin_to_serve()
            watch.start()
            probe_server.start(host, health_port)
        server = _Server(
            "config.wsgi:application",
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            workers=workers,
            blocking_threads=CONNECTIONS_PER_WORKER,
            backpressure=CONNECTIONS_PER_WORKER,
            # With HTTP/2, granian's time limit would not apply to a connection that sends nothing at all.
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
        slots = partial(admission.Slots, threads, most=queue, seconds=queue_seconds)
        loader = partial(
            load_application,
            slots=slots,
            hashes=max(1, workers // 2),
            body_seconds=body_seconds,
            write_seconds=write_seconds,
        )
        server.serve(target_loader=loader, wrap_loader=False)


def load_application(
    *,
    slots: Callable[[], admission.Slots] = ONE_SLOT,
    hashes: int = 1,
    body_seconds: float = bodies.BODY_SECONDS,
    write_seconds: float = listener.WRITE_SECONDS,
) -> Callable[..., Any]:
    """Runs first in each worker process. At most `hashes` processes compute a password hash at the same time."""
    gc.disable()  # loading makes no garbage; `_settle` enables it again
    _read_bodies_first(slots, body_seconds)
    listener.end_unread_connections(write_seconds)
    child_process.belong_to_the_server()

    application: Callable[..., Any] = import_string("config.wsgi.application")
    # granian copies the process's environment variables into the environ of each request, which an error report would
    # show. The settings have already read these variables.
    for name in SECRETS:
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    watch.start(after_look=heartbeats.beat)
    directory = Path(os.environ[heartbeats.VARIABLE])
    turns.take(directory, hashes)
    # Its module needs Django's apps.
    import_string("config.database.known_clients.start")(directory)
    replica_watch.start()
    Sampler().start()
    _settle()
    return application


def _read_bodies_first(slots: Callable[[], admission.Slots], seconds: float) -> None:
    """Patches a function of granian, which has no setting for this. If a later version lacks the function, the server
    does not start.
    """
    workers: Any = granian_workers  # granian.server does not export it
    wrap = workers._wsgi_call_wrap

    def wrapped(application: Any, *arguments: Any) -> Any:
        refuse = wrap(import_string("config.wsgi.overloaded"), *arguments)
        refuse_login = wrap(import_string("config.wsgi.too_many_logins"), *arguments)
        refuse_large = wrap(import_string("config.wsgi.too_large"), *arguments)
        run = wrap(application, *arguments)
        shared = slots()
        lending.Lender(shared).start()
        return bodies.BodiesFirst(
            run,
            refuse,
            slots=shared,
            at_once=_answered_at_once(),
            limited=_limited(refuse_login),
            refuse_large=refuse_large,
            seconds=seconds,
        )

    workers._wsgi_call_wrap = wrapped


def _answered_at_once() -> frozenset[str]:
    """The probes, and the documents that are in memory, with the path of the issuer and without it."""
    documents = conf.PUBLIC_DOCUMENTS
    return PROBES | {path for name in documents for path in (name, f"{settings.URL_PREFIX}{name}")}


def _limited(refuse: bodies.Runner) -> dict[str, bodies.Limited]:
    """The forms by which a visitor makes the process compute a password hash, with the number of hashes that may be
    computed or wait. A refused request does not count as a failed login, because its password is not checked.
    """
    places = threading.BoundedSemaphore(argon2.AT_ONCE + argon2.WAITING_AT_MOST)
    limit = bodies.Limited(places, refuse, "too many logins")
    return {path: limit for form in HASHING_FORMS for path in (form, f"{settings.URL_PREFIX}{form}")}


def _settle() -> None:
    """Loads all views before the first request, and excludes what is loaded from garbage collection."""
    get_resolver().url_patterns  # noqa: B018
    gc.collect()
    gc.freeze()
    gc.enable()


def _logging() -> dict[str, Any]:
    """Our logging, with granian's own lines in the same format."""
    return {
        **settings.LOGGING,
        "filters": {**settings.LOGGING["filters"], "threads": {"()": "config.server.serving.WithoutThreadCount"}},
        "loggers": {**settings.LOGGING["loggers"], "_granian": {"propagate": True, "filters": ["threads"]}},
    }


class WithoutThreadCount(logging.Filter):
    """Drops granian's warning about many threads: most of them only wait for a body."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "Python threads, which seems quite high" not in record.getMessage()


class _Server(Granian):  # type: ignore[misc, valid-type]  # granian is untyped
    """Granian with a pause before it stops, and exit code 0 after a signal to stop."""

    drain_seconds: float = 0
    is_draining = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.main_loop_interrupt = StopFlag()  # the signal handlers set it

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
        if self.is_draining:
            # systemd's KillMode=control-group sends the signal to the workers as well: the server need not wait for
            # them.
            super().signal_handler_interrupt()
        else:
            super()._respawn_workers(*arguments, **options)

    def shutdown(self, exit_code: int = 0) -> None:
        try:
            super().shutdown(exit_code)
        except SystemExit:
            if not self.interrupt_signal:  # a worker that stopped before the server is not a failure
                raise
