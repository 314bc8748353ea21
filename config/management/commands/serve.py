"""`manage.py serve`: runs the site on granian, with several worker processes and, given a certificate, with TLS."""

import math
import tempfile
from argparse import ArgumentParser, ArgumentTypeError
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, SystemCheckError
from django.db import DEFAULT_DB_ALIAS, connections

from config.database import session
from config.server import admission, bodies, listener, ports, serving
from oauth.checks.database import check_encryption_keys
from oauth.management import arguments


class Command(BaseCommand):
    help = (
        "Serves the site until SIGTERM or Ctrl-C, then finishes the running requests. In production it first runs "
        "`check --deploy` and does not start on an error."
    )
    requires_system_checks: list[str] = []  # `handle` runs the checks, including those of --deploy

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on (%(default)s).")
        parser.add_argument("--port", type=_port, default=str(settings.PORT), help="Port to listen on (%(default)s).")
        parser.add_argument(
            "--workers", type=_from_one, default=2, help="Worker processes, one or two per core (%(default)s)."
        )
        parser.add_argument(
            "--threads",
            type=_from_one,
            default=4,
            help="Threads of each worker process; DB_POOL_MAX must be at least as high (%(default)s).",
        )
        parser.add_argument(
            "--queue",
            type=_from_zero,
            default=admission.MOST_QUEUED,
            help="How many requests per worker process may wait for a thread; any more are answered 503 (%(default)s).",
        )
        parser.add_argument(
            "--queue-seconds",
            type=arguments.seconds,
            default=admission.QUEUE_SECONDS,
            help="Seconds that a request waits for a thread before it is answered 503 (%(default)s).",
        )
        parser.add_argument(
            "--body-seconds",
            type=arguments.seconds,
            default=bodies.BODY_SECONDS,
            help="Seconds in which the body of a request must arrive (%(default)s).",
        )
        parser.add_argument(
            "--write-seconds",
            type=arguments.seconds,
            default=listener.WRITE_SECONDS,
            help="Seconds after which a connection is closed if its client does not read the response (%(default)s).",
        )
        parser.add_argument(
            "--idle-seconds",
            type=_from_one,
            default=serving.IDLE_SECONDS,
            help="Seconds in which the headers must arrive, and after which an idle connection is closed. Must be "
            "longer than the proxy in front keeps a connection (%(default)s).",
        )
        parser.add_argument(
            "--health-port",
            type=_port,
            help="Port for only /health/live, /health/ready and /metrics, in a process that answers no other "
            "requests. Plain HTTP: keep it inside of your network.",
        )
        parser.add_argument(
            "--with-worker",
            action="store_true",
            help="Runs a background worker, too, and starts it again whenever it ends.",
        )
        parser.add_argument("--tls-certificate", type=Path, metavar="FILE", help="PEM, with intermediates.")
        parser.add_argument("--tls-key", type=Path, metavar="FILE", help="PEM, unencrypted.")
        parser.add_argument(
            "--drain-seconds",
            type=arguments.seconds,
            default=5 if settings.PRODUCTION else 0,
            help="Seconds after SIGTERM in which /health/ready answers 503 before the server stops (%(default)s).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.check(include_deployment_checks=settings.PRODUCTION)
        self._check_encryption_keys()
        self._check_connections(options["workers"])
        certificate, key = options["tls_certificate"], options["tls_key"]
        if bool(certificate) != bool(key):
            raise CommandError("TLS needs both --tls-certificate and --tls-key.")
        for file in filter(None, (certificate, key)):
            if not file.is_file():
                raise CommandError(f"There is no file {file}.")
        if not ports.can_listen_at(options["host"]):
            raise CommandError(
                f"--host {options['host']} must be an IP address of this machine, or 0.0.0.0 or :: for all of them."
            )
        if options["port"] == options["health_port"]:
            raise CommandError("--port and --health-port must differ.")
        for port in filter(None, (options["port"], options["health_port"])):
            if not ports.is_free(port, options["host"]):
                raise CommandError(f"Port {port} of {options['host']} is in use, or listening there needs more rights.")
        try:
            tempfile.gettempdir()
        except FileNotFoundError as error:
            raise CommandError(
                "serve needs a directory for temporary files (a few kilobytes): set TMPDIR to one that this user can "
                "write, such as a tmpfs at /tmp."
            ) from error
        serving.serve(
            host=options["host"],
            port=options["port"],
            workers=options["workers"],
            threads=options["threads"],
            certificate=certificate,
            key=key,
            drain_seconds=options["drain_seconds"],
            body_seconds=options["body_seconds"],
            idle_seconds=options["idle_seconds"],
            queue=options["queue"],
            queue_seconds=options["queue_seconds"],
            health_port=options["health_port"],
            write_seconds=options["write_seconds"],
            with_worker=options["with_worker"],
        )

    def _check_connections(self, processes: int) -> None:
        try:
            warnings = session.check_connections(processes)
        finally:
            connections.close_all()
        for warning in warnings:
            self.stderr.write(str(warning))

    def _check_encryption_keys(self) -> None:
        """Stops the start if KEY_ENCRYPTION_KEYS cannot decrypt the signing keys in the database."""
        try:
            problems = check_encryption_keys(databases=[DEFAULT_DB_ALIAS])
        finally:
            connections.close_all()
        if problems:
            raise SystemCheckError("\n".join(str(problem) for problem in problems))


def _number(text: str, *, at_least: int, at_most: float = math.inf) -> int:
    if not text.isdecimal() or not at_least <= int(text) <= at_most:
        limit = f"at least {at_least}" if at_most == math.inf else f"from {at_least} to {at_most}"
        raise ArgumentTypeError(f"{text} must be a whole number, {limit}.")
    return int(text)


_from_zero = partial(_number, at_least=0)
_from_one = partial(_number, at_least=1)
_port = partial(_number, at_least=1, at_most=65_535)
