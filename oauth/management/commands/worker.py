"""`manage.py worker`: runs the background worker."""

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException

from oauth.conf import conf
from oauth.management import arguments
from oauth.operations.background_worker import (
    DEFAULT_CONCURRENCY,
    HEALTH_SECONDS,
    STOP_SECONDS,
    BackgroundWorker,
    lanes_of,
)


class Command(BaseCommand):
    help = (
        "Runs background jobs until SIGTERM or Ctrl-C, then finishes the running ones. Waits while the database is "
        "unreachable. Exits with an error that waiting cannot resolve."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--concurrency", nargs="*", type=_lane, default=[], metavar="LANE=N",
            help=f"How many jobs of a lane run at the same time ({DEFAULT_CONCURRENCY}). The first lines of the log "
            "name the lanes.",
        )  # fmt: skip
        parser.add_argument(
            "--health-file", type=Path, metavar="FILE",
            help=f"A file that the worker touches every {HEALTH_SECONDS:.0f} seconds while it runs.",
        )  # fmt: skip
        parser.add_argument(
            "--stop-seconds", type=arguments.seconds, default=STOP_SECONDS, metavar="SECONDS",
            help="Seconds after SIGTERM in which running jobs may end (%(default)g). A job that takes longer is ended, "
            "and another worker runs it again.",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            lanes = lanes_of(app, dict(options["concurrency"]))
        except ValueError as error:
            raise CommandError(f"--concurrency {error}") from error
        if (file := options["health_file"]) and not file.parent.is_dir():
            raise CommandError(f"--health-file {file} must be in a directory that exists.")
        if conf.TRACING:
            import_string("oauth.tracing.start")()
        try:
            BackgroundWorker(app, lanes, health_file=options["health_file"], stop_seconds=options["stop_seconds"]).run()
        except ConnectorException as error:
            raise CommandError(f"{error.__cause__ or error} Has `manage.py migrate` run?") from error


def _lane(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if not number.isdecimal():
        raise ArgumentTypeError(f"{text} must be like mail=4.")
    return name, int(number)
