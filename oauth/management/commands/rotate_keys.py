"""`manage.py rotate_keys`: rotates signing keys, replaces them in an emergency, or re-encrypts all secrets."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from oauth.algorithms import SIGNING_ALGORITHMS
from oauth.conf import conf
from oauth.keys import ring, rotation, stores
from oauth.models.signing_key import EMERGENCY_GRACE
from oauth.tokens.jwks import MAX_AGE_SECONDS, REFRESH_AFTER_SECONDS


class Command(BaseCommand):
    help = "Makes the next signing key of each algorithm sign as soon as every cache has it, and publishes one more."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--algorithm", choices=SIGNING_ALGORITHMS, help="Only this algorithm.")
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--emergency",
            action="store_true",
            help="For a private key that may have leaked. The next key signs immediately. Signatures of all other "
            "keys are refused within half a minute, or within 15 minutes by an API that cannot reach the JWK Set.",
        )
        what.add_argument(
            "--if-due",
            action="store_true",
            help="Only publish the next key of each algorithm that has none, like the background worker.",
        )
        what.add_argument(
            "--reencrypt",
            action="store_true",
            help="Create no signing key. Re-encrypt signing keys and second factors with the first of "
            "KEY_ENCRYPTION_KEYS, so that the others can be removed.",
        )
        what.add_argument(
            "--forget-lost",
            action="store_true",
            help="Create no signing key. Delete secrets that no key of KEY_ENCRYPTION_KEYS can decrypt, if one of the "
            "keys was lost. Users whose authenticator app or recovery codes are deleted get an email.",
        )

        parser.add_argument(
            "--next-leaked",
            action="store_true",
            help="With --emergency: the next key may have leaked, too, because an attacker has the database and "
            "KEY_ENCRYPTION_KEYS. Change KEY_ENCRYPTION_KEYS first.",
        )

        parser.add_argument("--store", help='The store for new keys: a name in OAUTH["KEY_STORES"], or "database".')

    def handle(self, *, algorithm: str | None, emergency: bool, if_due: bool, reencrypt: bool, **options: Any) -> None:
        if options["next_leaked"] and not emergency:
            raise CommandError("--next-leaked needs --emergency.")
        if reencrypt:
            self.stdout.write(f"{rotation.reencrypt()} secrets encrypted with the newest key")
            self._say_what_is_lost()
            return
        if options["forget_lost"]:
            self._forget_lost()
            return
        algorithms = [algorithm] if algorithm else SIGNING_ALGORITHMS
        store = stores.DATABASE if options["store"] == stores.DATABASE_NAME else options["store"]
        try:
            if if_due:
                made = rotation.rotate_where_due()
            elif emergency:
                leaked = options["next_leaked"]
                made = [rotation.replace_now(one, store=store, next_leaked=leaked) for one in algorithms]
            else:
                made = [rotation.rotate(one, store=store) for one in algorithms]
        except stores.KeyStoreError as error:
            raise CommandError(str(error)) from error
        for key in made:
            self.stdout.write(f"{key.algorithm}: {key.kid} signs from {key.active_at:%Y-%m-%d %H:%M:%S} UTC")
        if emergency:
            ours = int(EMERGENCY_GRACE.total_seconds()) + ring.READ_EVERY_SECONDS
            elsewhere = ours + 2 * int(conf.STATUS_LIST_REFRESH.total_seconds())
            self.stdout.write(
                "Signatures of the old keys are refused by this site within "
                f"{ours} seconds; by another API that uses our resource server within {elsewhere} seconds, or within "
                f"{ours + REFRESH_AFTER_SECONDS} seconds if it reads no status list; by an API that cannot reach "
                f"{conf.jwks_uri} within {MAX_AGE_SECONDS // 60} minutes. Restart other APIs, which accept a key as "
                "long as their JWKS client caches it."
            )

    def _say_what_is_lost(self) -> None:
        lost = rotation.lost()
        if lost.signing_keys or lost.others:
            raise CommandError(
                f"No key of KEY_ENCRYPTION_KEYS can decrypt {lost.signing_keys} signing keys and {lost.others} second "
                "factors. Keep the older keys, and add the missing one at the end. If it is lost, run rotate_keys "
                "--emergency --next-leaked, then rotate_keys --forget-lost."
            )

    def _forget_lost(self) -> None:
        lost = rotation.lost(forget=True)
        left = rotation.lost().signing_keys
        self.stdout.write(f"{lost.signing_keys - left} signing keys and {lost.others} second factors deleted")
        if left:
            raise CommandError(
                f"{left} signing keys are still published. Run rotate_keys --emergency --next-leaked first."
            )
