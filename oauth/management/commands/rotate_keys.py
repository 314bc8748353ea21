"""`manage.py rotate_keys`: publishes the next signing keys, replaces them in an emergency, or encrypts them again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from oauth.algorithms import SIGNING_ALGORITHMS
from oauth.conf import conf
from oauth.keys import rotation
from oauth.tokens.jwks import MAX_AGE_SECONDS, REFRESH_AFTER_SECONDS


class Command(BaseCommand):
    help = "Publishes a new signing key for each algorithm. It signs as soon as every cache has it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--algorithm", choices=SIGNING_ALGORITHMS, help="Only this one.")
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--emergency",
            action="store_true",
            help="Somebody may know the private key: withdraw all keys of the algorithm. This site refuses what they "
            "signed within a minute, other APIs within two, and within 15 if they cannot reach the JWK Set.",
        )
        what.add_argument(
            "--if-due", action="store_true", help="Only if the keys are old enough; the background worker does this."
        )
        what.add_argument(
            "--reencrypt",
            action="store_true",
            help="No new key: encrypt signing keys and second factors with the first of KEY_ENCRYPTION_KEYS, so that "
            "you can remove the others.",
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
