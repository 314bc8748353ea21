"""`manage.py demo_seed`: users, accounts with history and clients of the demo. Running it twice adds nothing."""

import os
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from demo import seed

DEFAULT_PASSWORD = "correct-horse-demo"  # public: printed by `make demo`


class Command(BaseCommand):
    help = "Adds the demo's users, accounts and clients; existing ones stay unchanged."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--scale",
            type=float,
            metavar="N",
            help="Also adds large data: 1 is a million users, clients, authorizations and refresh tokens, and 10,000 "
            "accounts with a million entries; 0.001 is a thousandth. Rows of earlier runs count.",
        )

    def handle(self, *args: Any, scale: float | None, **options: Any) -> None:
        if settings.MODE not in ("demo", "test"):
            raise CommandError(
                f"demo_seed needs MODE=demo or MODE=test, not {settings.MODE}: the demo users have a public password."
            )
        if scale is not None and not 0 < scale <= 10:
            raise CommandError("--scale must be above 0 and at most 10.")
        password = os.environ.get("DEMO_PASSWORD", DEFAULT_PASSWORD)
        now = timezone.now()
        users, clients = seed.seed(password=password, data_dir=settings.DATA_DIR, now=now)
        self.stdout.write(
            f"{users} users and {len(clients)} clients exist; their secrets are in {settings.DATA_DIR / 'clients.json'}"
        )
        if scale is not None:
            started = time.monotonic()
            blocks = seed.scale.seed(scale, password=password, now=now, say=self._say)
            seconds = time.monotonic() - started
            self.stdout.write(f"{blocks} thousand more of each kind in {seconds:.0f} s")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
