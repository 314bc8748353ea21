"""`manage.py generate_key`: prints a new key for KEY_ENCRYPTION_KEYS.

If the project's settings need a key to load, run `python -m oauth.management.commands.generate_key`.
"""

from typing import Any

from cryptography.fernet import Fernet
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = (
        "Prints a new Fernet key for KEY_ENCRYPTION_KEYS. Keep the key secret, and keep a copy: without it, private "
        "keys cannot be decrypted."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> str:
        return Fernet.generate_key().decode()


if __name__ == "__main__":
    Command().run_from_argv(["", "generate_key"])
