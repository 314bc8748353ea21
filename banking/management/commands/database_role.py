"""`manage.py database_role`: the database role of the site, with exactly the rights it needs."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError

from banking import database


class Command(BaseCommand):
    help = (
        "Creates the database role of the site, or updates its rights. Run it as the owner of the tables after "
        "every migrate. With --check it only compares, and exits with 1 on any difference."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role", nargs="?", default="bank_app", help="Name of the role (%(default)s).")
        parser.add_argument("--check", action="store_true", help="Change nothing; list every difference.")
        parser.add_argument(
            "--password-stdin", action="store_true", help="Set the password to the first line of standard input."
        )

    def handle(self, *, role: str, check: bool, password_stdin: bool, **options: Any) -> None:
        if not check:
            password = sys.stdin.readline().rstrip("\n") if password_stdin else None
            if password_stdin and not password:
                raise CommandError("No password was given.")
            try:
                database.set_up(role, password=password)
            except ProgrammingError as error:  # not the owner, or not allowed to make roles
                raise CommandError(
                    f"{error}\nRun it as the owner of the tables. One that may not create roles needs an "
                    f"administrator to say CREATE ROLE {role} LOGIN first."
                ) from error
        elif not database.exists(role):
            raise CommandError(f"There is no role {role}.")
        found = [*database.differences(role), *(f"broken: {one}" for one in database.broken())]
        for one in found:
            self.stdout.write(one)
        if found:
            raise CommandError(f"{role} is not as it should be, or the ledger is not.")
        self.stdout.write(f"{role} has exactly the rights of the site; every guarantee of the ledger is in place.")
