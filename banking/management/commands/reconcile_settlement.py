"""`manage.py reconcile_settlement`: compares a settlement file of the clearing system with the ledger."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from banking import reconciliation


class Command(BaseCommand):
    help = (
        "Reads a camt.053 file and lists its differences from the ledger, which staff then find in the admin. A file "
        "that was read before changes nothing. Exits with 1 if the file cannot be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **options: Any) -> None:
        try:
            read = reconciliation.read_file(file.read_bytes())
        except reconciliation.AlreadyRead as before:
            if not before.is_the_same:
                raise CommandError(str(before)) from before
            self.stdout.write(str(before))
            return
        except (reconciliation.MalformedFile, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{read}: {read.entries} entries, {read.matched} match the ledger")
        for one in read.differences.order_by("pk"):
            self.stdout.write(f"  {one}: in the file {one.file_minor}, in the ledger {one.our_minor} ({one.currency})")
