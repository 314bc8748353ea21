"""`manage.py database_role` sets up the database role of the site, with exactly the rights that it needs."""

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
                raise CommandError("--password-stdin needs a password on the first line of stdin.")
            try:
                database.set_up_role(role, password=password)
            except ProgrammingError as error:  # not the owner, or not allowed to create roles
                raise CommandError(
                    f"{error}\nRun this command as the owner of the tables. If the owner may not create roles, an "
                    f"administrator must run CREATE ROLE {role} LOGIN first."
                ) from error
        elif not database.role_exists(role):
            raise CommandError(f"The role {role} does not exist.")
        found = [*database.differences(role), *(f"broken: {one}" for one in database.broken_guarantees())]
        for one in found:
            self.stdout.write(one)
        if found:
            raise CommandError(f"The rights of {role} or the guarantees of the ledger are not as they should be.")
        self.stdout.write(f"{role} has exactly the rights of the site; every guarantee of the ledger is in place.")
