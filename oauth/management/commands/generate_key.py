"""`manage.py generate_key`: prints a new key for KEY_ENCRYPTION_KEYS.

A project whose settings do not load without a key runs `python -m oauth.management.commands.generate_key`.
"""

from typing import Any

from cryptography.fernet import Fernet
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Prints a new Fernet key for KEY_ENCRYPTION_KEYS. Keep it secret; without it, private keys cannot be read."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> str:
        return Fernet.generate_key().decode()


if __name__ == "__main__":
    Command().run_from_argv(["", "generate_key"])
