"""`manage.py import_from_dot`: imports clients and tokens of django-oauth-toolkit; see docs/migrating_from_dot.md."""

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS

from oauth.dot_import import ImportRefused, Names, Options, Source, mapping, run, undo
from oauth.dot_import.options import BATCH


class Command(BaseCommand):
    help = (
        "Imports the applications, refresh tokens and access tokens of django-oauth-toolkit 3.4. Without --apply, "
        "only reports what it would do. Run it again to continue an import that was stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--apply", action="store_true", help="Import the data. Stop the old server first.")
        parser.add_argument(
            "--undo", action="store_true", help="Delete the clients of an import and their authorizations."
        )
        parser.add_argument("--json", action="store_true", help="Print the report as JSON.")
        parser.add_argument(
            "--database", default=DEFAULT_DB_ALIAS, help="The alias in DATABASES of the database with the old tables."
        )
        parser.add_argument("--schema", default="", help="The PostgreSQL schema of the old tables, such as dot.")
        parser.add_argument("--mapping", help="A TOML or JSON file that maps the old scopes and resources to new ones.")
        parser.add_argument(
            "--unmapped-scopes",
            choices=("block", "drop"),
            default="block",
            help="Whether scopes that the mapping does not name block the import or are dropped.",
        )
        parser.add_argument(
            "--all-scopes",
            action="store_true",
            help="Let each client request every mapped scope, not only those of its tokens.",
        )
        parser.add_argument(
            "--refresh-token-expire-seconds",
            type=int,
            help="The value of DOT's REFRESH_TOKEN_EXPIRE_SECONDS, if it was set.",
        )
        parser.add_argument(
            "--no-consent",
            action="store_true",
            help="Do not remember consents: users are asked again at the next login.",
        )
        parser.add_argument(
            "--match-users",
            default="",
            metavar="FIELD",
            help="A field of the user model that identifies a user on both sides, such as a verified email. Required "
            "if the users are in another database.",
        )
        parser.add_argument("--user-table", default="auth_user", help="The old user table (%(default)s).")
        parser.add_argument("--user-key", default="id", help="The primary key of the old user table (%(default)s).")
        parser.add_argument(
            "--user-field",
            default="",
            help="The column of the old user table to match with FIELD, if named differently.",
        )
        parser.add_argument(
            "--application-table",
            default="oauth2_provider_application",
            help="The table of the old project's own application model, as name or schema.name (%(default)s).",
        )
        parser.add_argument(
            "--access-token-table",
            default="oauth2_provider_accesstoken",
            help="The same for its own model of access tokens (%(default)s).",
        )
        parser.add_argument(
            "--refresh-token-table",
            default="oauth2_provider_refreshtoken",
            help="The same for its own model of refresh tokens (%(default)s).",
        )
        parser.add_argument(
            "--batch", type=int, default=BATCH, help="The number of rows in a transaction (%(default)s)."
        )

    def handle(self, **given: Any) -> None:
        try:
            source = Source(
                given["database"],
                given["schema"],
                user_table=given["user_table"],
                user_key=given["user_key"],
                user_field=given["user_field"] or given["match_users"] or "id",
                names=Names(given["application_table"], given["access_token_table"], given["refresh_token_table"]),
            )
            report = undo(source) if given["undo"] else run(source, _options(given), is_dry_run=not given["apply"])
        except ImportRefused as error:
            raise CommandError(str(error)) from error
        if given["json"]:
            self.stdout.write(json.dumps(report.to_json(), indent=2))
        else:
            for line in report.to_text():
                self.stdout.write(line)


def _options(given: dict[str, Any]) -> Options:
    seconds = given["refresh_token_expire_seconds"]
    if given["batch"] < 1 or (seconds is not None and seconds < 1):
        raise CommandError("--batch and --refresh-token-expire-seconds must be at least 1.")
    return Options(
        mapping=mapping.read(given["mapping"]),
        match_users=given["match_users"],
        drops_unmapped=given["unmapped_scopes"] == "drop",
        gives_all_scopes=given["all_scopes"],
        refresh_token_expiry=timedelta(seconds=seconds) if seconds else None,
        remembers_consent=not given["no_consent"],
        batch=given["batch"],
    )
