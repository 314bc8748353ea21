"""`manage.py rotate_keys`: the next signing key."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from oauth.conf import SIGNING_ALGORITHMS, conf
from oauth.keys import rotation


class Command(BaseCommand):
    help = "Publishes a new signing key of each algorithm in use; it signs as soon as everybody can have it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--algorithm", choices=SIGNING_ALGORITHMS, help="Only this one.")
        parser.add_argument(
            "--emergency",
            action="store_true",
            help="The private key may be known to somebody: refuse at once everything that it signed.",
        )

    def handle(self, *, algorithm: str | None, emergency: bool, **options: Any) -> None:
        in_use = {conf.SIGNING_ALGORITHM, conf.ID_TOKEN_SIGNING_ALGORITHM}
        for one in [algorithm] if algorithm else sorted(in_use):
            key = rotation.replace_now(one) if emergency else rotation.rotate(one)
            self.stdout.write(f"{one}: {key.kid} signs from {key.active_at:%Y-%m-%d %H:%M:%S} UTC")
