"""`manage.py cleanup`: deletes old rows; the background worker does the same every hour."""

from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand

from oauth.operations.cleanup import clean_up


class Command(BaseCommand):
    help = "Deletes rows whose retention period is over, and expired browser sessions (docs/retention.md)."

    def handle(self, **options: Any) -> None:
        removed: Counter[str] = Counter()
        for name, rows in clean_up():
            removed[name] += rows
        for name, rows in sorted(removed.items()):
            self.stdout.write(f"{rows} {name} removed")
