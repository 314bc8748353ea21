"""`manage.py migrate`, made for a site that serves meanwhile (config/upgrades/patience.py, docs/upgrading.md)."""

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, connection

from config.upgrades.patience import Patience


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--lock-seconds", type=float, default=2.0,
            help="How long a statement waits for a lock, and others behind it, before it is tried again (%(default)s).",
        )  # fmt: skip
        parser.add_argument("--attempts", type=int, default=30, help="How often it is tried (%(default)s).")

    def handle(self, *args: Any, lock_seconds: float, attempts: int, **options: Any) -> None:
        handle = super().handle
        if options["database"] != DEFAULT_DB_ALIAS or connection.in_atomic_block:
            handle(*args, **options)
            return
        patience = Patience(lock_seconds, attempts)
        with patience.during_statements():
            # Each migration is recorded when it has run, so another attempt goes on with the one that failed.
            patience.retry(lambda: handle(*args, **options))
