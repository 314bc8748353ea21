"""`manage.py bootstrap`: turns an empty server into a site. `manage.py` first completes the folder
(bootstrap.folder).
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS

from accounts.passwords import reset_links
from config.bootstrap import first_admin, first_client, options, tables


class Command(BaseCommand):
    help = options.HELP
    requires_system_checks: list[str] = []  # after the tables have been created

    def add_arguments(self, parser: ArgumentParser) -> None:
        options.add(parser)

    def handle(self, *, folder: str, role: str, **given: Any) -> None:
        where = Path(folder).absolute()
        self._say("database", tables.ensure_tables())
        self._say("role", tables.ensure_role(role, where))
        if found := list(tables.problems(role)):
            raise CommandError("\n".join([*found, f"The rights of {role} or the ledger are not as they should be."]))
        self._say("keys", tables.signing_keys())
        invited = None
        if email := given["admin"]:
            invited, said = first_admin.ensure_admin(email, asks_password=given["ask_password"])
            self._say("admin", said)
        if name := given["client"]:
            said = first_client.ensure_client(name, given["kind"], given["redirect_uri"], given["scope"], where)
            self._say("client", said)
        self._check()
        self._say_what_next(where)
        if invited:
            hours = settings.PASSWORD_RESET_TIMEOUT // 3600
            self.stdout.write(
                f"\nGive this link only to {invited.email}. It sets the password, once, within {hours} hours:\n"
            )
            self.stdout.write(reset_links.link(invited))

    def _say(self, about: str, what: str) -> None:
        self.stdout.write(f"{about}: {what}")

    def _check(self) -> None:
        found = run_checks(include_deployment_checks=settings.PRODUCTION, databases=[DEFAULT_DB_ALIAS])
        # No worker runs yet.
        for message in (one for one in found if one.id != "oauth.W003" and not one.is_silenced()):
            self.stdout.write(str(message))
        if any(one.is_serious(ERROR) and not one.is_silenced() for one in found):
            raise CommandError("The site does not start with these settings. Change them, and run this again.")

    def _say_what_next(self, folder: Path) -> None:
        self.stdout.write(
            f"\nTo set all of this in a shell: . {folder}/site.sh\nThen:\n"
            "  python manage.py collectstatic --noinput\n"
            "  python manage.py serve --workers 2 --host 0.0.0.0 --port 443 --tls-certificate FILE --tls-key FILE\n"
            "  python manage.py worker\n"
            f"Back up {folder}/secrets apart from the database: without key_encryption_keys its keys cannot be read."
        )
