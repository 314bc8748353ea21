"""`manage.py serve`: the site on granian, with several workers and, where it is given, TLS."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config import bodies, ports, serving


class Command(BaseCommand):
    help = (
        "Serves the site until SIGTERM or Ctrl-C; requests in flight are finished. In production it first runs "
        "`check --deploy` and refuses to start on an error."
    )
    requires_system_checks: list[str] = []  # run below, with those of --deploy

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on (%(default)s).")
        parser.add_argument("--port", type=int, default=settings.PORT, help="Port to listen on (%(default)s).")
        parser.add_argument("--workers", type=int, default=2, help="Processes, one or two a core (%(default)s).")
        parser.add_argument(
            "--threads",
            type=int,
            default=4,
            help="Requests that a worker works on at once; keep DB_POOL_MAX at least as high (%(default)s).",
        )
        parser.add_argument(
            "--body-seconds",
            type=float,
            default=bodies.BODY_SECONDS,
            help="How long the body of a request may take to arrive before the connection is closed (%(default)s).",
        )
        parser.add_argument(
            "--idle-seconds",
            type=int,
            default=serving.IDLE_SECONDS,
            help="The same for its headers, and for an idle connection. Longer than the proxy in front keeps one "
            "(%(default)s).",
        )
        parser.add_argument("--tls-certificate", type=Path, metavar="FILE", help="PEM, with intermediates.")
        parser.add_argument("--tls-key", type=Path, metavar="FILE", help="PEM, unencrypted.")
        parser.add_argument(
            "--drain-seconds",
            type=float,
            default=5 if settings.PRODUCTION else 0,
            help="After SIGTERM, how long /health/ready says 503 before connections are refused (%(default)s).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.check(include_deployment_checks=settings.PRODUCTION)
        certificate, key = options["tls_certificate"], options["tls_key"]
        if bool(certificate) != bool(key):
            raise CommandError("TLS needs both: --tls-certificate and --tls-key.")
        for file in filter(None, (certificate, key)):
            if not file.is_file():
                raise CommandError(f"There is no file {file}.")
        if not ports.is_free(options["port"], options["host"]):
            raise CommandError(f"Port {options['port']} of {options['host']} is taken, or not ours to listen on.")
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
        )
