"""`manage.py migrate` for a site that keeps answering requests (config/upgrades/patience.py, docs/upgrading.md)."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, connection

from config.upgrades.executor import FrugalExecutor
from config.upgrades.patience import Patience

# Each step creates model classes again. With Python's default threshold of 700 new objects, garbage collection takes a
# quarter of the time; with this threshold, the command needs 80 MB more memory.
_NEW_OBJECTS = 100_000


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--lock-seconds", type=float, default=1.0,
            help="How long a statement waits for a lock before it is tried again; while it waits, others wait behind "
            "it (%(default)s).",
        )  # fmt: skip
        parser.add_argument("--attempts", type=int, default=45, help="Maximum number of attempts (%(default)s).")

    def handle(self, *args: Any, lock_seconds: float, attempts: int, **options: Any) -> None:
        handle = super().handle
        if options["database"] != DEFAULT_DB_ALIAS or connection.in_atomic_block:
            handle(*args, **options)
            return
        patience = Patience(lock_seconds, attempts)
        with patience.during_statements(), _seldom_collected(), _frugally():
            # Each migration is recorded when it has run, so another attempt continues with the one that failed.
            patience.retry(lambda: handle(*args, **options))


@contextmanager
def _seldom_collected() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(_NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _frugally() -> Iterator[None]:
    """Patches the name of the executor in the module of Django's command, because the command has no option to choose
    one.
    """
    module: Any = migrate
    before = module.MigrationExecutor
    if settings.FAST_PATH:
        module.MigrationExecutor = FrugalExecutor
    try:
        yield
    finally:
        module.MigrationExecutor = before
