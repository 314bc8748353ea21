"""`manage.py demo_seed`: users, accounts with history and clients of the demo. Twice does no harm."""

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
    help = "Plant the demo's users, accounts and clients; what is there already stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--scale",
            type=float,
            metavar="N",
            help="Also large data: 1 is a million users, clients, authorizations and refresh tokens, and 10,000 "
            "accounts with a million entries; 0.001 a thousandth. What is there counts.",
        )

    def handle(self, *args: Any, scale: float | None, **options: Any) -> None:
        if settings.MODE not in ("demo", "test"):
            # Its password is public.
            raise CommandError(f"The demo's users do not belong here: MODE is {settings.MODE}.")
        if scale is not None and not 0 < scale <= 10:
            raise CommandError("--scale is above 0 and at most 10.")
        password = os.environ.get("DEMO_PASSWORD", DEFAULT_PASSWORD)
        now = timezone.now()
        users, clients = seed.plant(password=password, data_dir=settings.DATA_DIR, now=now)
        self.stdout.write(
            f"{users} users and {len(clients)} clients are there; secrets: {settings.DATA_DIR / 'clients.json'}"
        )
        if scale is not None:
            started = time.monotonic()
            blocks = seed.scale.plant(scale, password=password, now=now, say=self._say)
            seconds = time.monotonic() - started
            self.stdout.write(f"{blocks} thousand more of each kind in {seconds:.0f} s")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
