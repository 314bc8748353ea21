"""`manage.py rotate_keys`: the next signing keys; with options also other things that happen to keys."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from oauth.conf import SIGNING_ALGORITHMS, conf
from oauth.keys import rotation
from oauth.tokens.jwks import MAX_AGE_SECONDS, REFRESH_AFTER_SECONDS


class Command(BaseCommand):
    help = "Publishes a new signing key of each algorithm; it signs as soon as everybody can have it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--algorithm", choices=SIGNING_ALGORITHMS, help="Only this one.")
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--emergency",
            action="store_true",
            help="The private key may be known to somebody: withdraw all keys of the algorithm. This site refuses what "
            "they signed within a minute, an API elsewhere within two, one that cannot reach the JWK Set within 15.",
        )
        what.add_argument(
            "--if-due", action="store_true", help="Only keys that are old enough; the worker does this by itself."
        )
        what.add_argument(
            "--reencrypt",
            action="store_true",
            help="No new key: encrypt signing keys and second factors under the first of KEY_ENCRYPTION_KEYS, so that "
            "the others can go.",
        )

    def handle(self, *, algorithm: str | None, emergency: bool, if_due: bool, reencrypt: bool, **options: Any) -> None:
        if reencrypt:
            self.stdout.write(f"{rotation.reencrypt()} secrets encrypted under the newest key")
            return
        algorithms = [algorithm] if algorithm else SIGNING_ALGORITHMS
        if if_due:
            made = rotation.rotate_where_due()
        else:
            made = [rotation.replace_now(one) if emergency else rotation.rotate(one) for one in algorithms]
        for key in made:
            self.stdout.write(f"{key.algorithm}: {key.kid} signs from {key.active_at:%Y-%m-%d %H:%M:%S} UTC")
        if emergency:
            ours = int(conf.KEY_CACHE_LIFETIME.total_seconds())
            self.stdout.write(
                "What the old keys signed is refused: by this site within "
                f"{ours} seconds; by an API elsewhere within {ours + REFRESH_AFTER_SECONDS} seconds, if it uses our "
                f"resource server or reads {conf.jwks_uri} as often; by one that cannot reach that address within "
                f"{MAX_AGE_SECONDS // 60} minutes. Others keep a key as long as their own JWKS client does: restart "
                "them."
            )
