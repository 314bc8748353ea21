"""`manage.py registration_token`: reserved for the initial access token of dynamic registration (RFC 7591 §3)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Prints an initial access token for /oauth/register, once this server has that endpoint."

    def handle(self, **options: Any) -> None:
        raise CommandError(
            "This server has no /oauth/register yet; it comes with its own issue. Register clients in the admin: "
            "/admin/oauth/client/add/"
        )
