"""`manage.py registration_token`: an initial access token for /oauth/register (RFC 7591 §1.2)."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from oauth.conf import conf
from oauth.models import AuditEvent, InitialAccessToken
from oauth.models.secret import digest, new_secret


class Command(BaseCommand):
    help = "Prints, as its last line, a token that may register clients for a week."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=7, help="How long it is valid (%(default)s).")
        parser.add_argument(
            "--note", default="manage.py registration_token", help="Whom it is for; the admin shows it."
        )

    def handle(self, *, days: int, note: str, **options: Any) -> None:
        token = new_secret()
        expires_at = timezone.now() + timedelta(days=days)
        with transaction.atomic():
            InitialAccessToken.objects.create(token_digest=digest(token), note=note[:100], expires_at=expires_at)
            AuditEvent.record(AuditEvent.Action.REGISTRATION_TOKEN_MADE, reason=note[:100])
        self.stderr.write(
            f"Send it to {conf.url('/oauth/register')} as Authorization: Bearer. Until {expires_at:%Y-%m-%d}:"
        )
        self.stdout.write(token)
