"""`manage.py demo_seed`: users, accounts with history and clients of the demo. Twice does no harm."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from demo import seed

DEFAULT_PASSWORD = "correct-horse-demo"  # public: printed by `make demo`


class Command(BaseCommand):
    help = "Plant the demo's users, accounts and clients; what is there already stays as it is."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.MODE not in ("demo", "test"):
            # Its password is public.
            raise CommandError(f"The demo's users do not belong here: MODE is {settings.MODE}.")
        password = os.environ.get("DEMO_PASSWORD", DEFAULT_PASSWORD)
        clients = seed.plant(password=password, data_dir=settings.DATA_DIR, now=timezone.now())
        self.stdout.write(
            f"3 users and {len(clients)} clients are there; secrets: {settings.DATA_DIR / 'clients.json'}"
        )
