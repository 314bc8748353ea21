"""`manage.py registration_token`: creates an initial access token for /oauth/register (RFC 7591 §1.2)."""

from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from oauth.conf import conf
from oauth.models import AuditEvent, InitialAccessToken, Scope
from oauth.models.client import SecurityProfile, authentication, grant_types
from oauth.models.secret import digest, new_secret


class Command(BaseCommand):
    help = (
        "Prints an initial access token, with which clients can be registered for a week. The options limit what "
        "these clients may have; the admin can change the limits."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=7, help="How many days the token is valid (%(default)s).")
        parser.add_argument(
            "--note",
            default="manage.py registration_token",
            help="A note for the admin, such as the name of the developer who gets the token.",
        )
        for name, everything in (
            ("scopes", "all that exist now"),
            ("grant-types", "authorization_code, refresh_token, client_credentials, device_code"),
            ("methods", "all of this server"),
            ("profiles", "all"),
            ("details-types", "all of this server"),
            ("resources", "all of this server"),
        ):
            parser.add_argument(f"--{name}", nargs="+", help=f"The most that clients may get; by default {everything}.")

    def handle(self, *, days: int, note: str, **options: Any) -> None:
        if days < 1:
            raise CommandError("--days must be at least 1.")
        limits = _ceiling(options)
        token = new_secret()
        expires_at = timezone.now() + timedelta(days=days)
        with transaction.atomic():
            InitialAccessToken.objects.create(
                token_digest=digest(token), note=note[:100], expires_at=expires_at, **limits
            )
            AuditEvent.record(AuditEvent.Action.REGISTRATION_TOKEN_MADE, reason=note[:100])
        self.stderr.write(
            f"Send this token to {conf.url('/oauth/register')} as Authorization: Bearer. It is valid until "
            f"{expires_at:%Y-%m-%d}:"
        )
        self.stdout.write(token)


def _ceiling(options: dict[str, Any]) -> dict[str, list[str]]:
    """The fields of the token's ceiling. Raises CommandError for a value that is unknown or cannot be registered."""
    scopes = list(Scope.objects.values_list("name", flat=True))
    registrable = grant_types.registrable()
    short = {one.rpartition(":")[2]: one for one in registrable}
    asked = [short.get(one, one) for one in options.get("grant_types") or registrable]
    return {
        "scopes": _of(options.get("scopes"), scopes),
        "grant_types": _of(asked, registrable),
        "authentication_methods": _of(options.get("methods"), authentication.offered()),
        "security_profiles": _of(options.get("profiles"), SecurityProfile.values),
        "authorization_details_types": _of(options.get("details_types"), list(conf.AUTHORIZATION_DETAILS_TYPES)),
        "allowed_resources": _of(options.get("resources"), list(conf.RESOURCES)) if options.get("resources") else [],
    }


def _of(asked: Sequence[str] | None, known: Iterable[str]) -> list[str]:
    known = list(known)
    if unknown := set(asked or ()) - set(known):
        raise CommandError(f"{', '.join(sorted(unknown))}: must be among {', '.join(known)}.")
    return list(asked or known)
