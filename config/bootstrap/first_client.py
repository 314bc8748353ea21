"""The first client, with the safe values of its kind."""

from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import transaction

from config.bootstrap.folder import client_secret_file, write
from oauth.clients import kind_needs_redirect_uri, preset
from oauth.models import AuditEvent, Client
from oauth.models.client import Kind

_OF_A_USER = ("openid", "profile", "email")


def ensure_client(name: str, kind: str, redirect_uris: list[str], scopes: list[str], folder: Path) -> str:
    """Leaves an existing client of that name unchanged. Writes a new secret into a file and never prints it. Raises
    CommandError.
    """
    known = Client.objects.filter(name=name).order_by("created").first()
    if known:
        return f"{name} is registered: client ID {known.client_id}"
    if kind_needs_redirect_uri(kind) and not redirect_uris:
        raise CommandError(f"--client {name} needs --redirect-uri: where the app receives the authorization response.")
    client = Client(
        **preset(kind),
        name=name,
        redirect_uris=" ".join(redirect_uris),
        allowed_scopes=scopes or ([] if kind == Kind.SERVICE else list(_OF_A_USER)),
    )
    try:
        client.full_clean()
    except ValidationError as error:
        raise CommandError(f"--client {name}: {'; '.join(error.messages)}") from error
    said = f"{name} is registered; made: client ID {client.client_id}"
    with transaction.atomic():
        if client.has_secret:
            file = client_secret_file(folder, client.client_id)
            write(file, client.issue_secret())
            said += f", secret in {file}"
        client.save()
        AuditEvent.record(AuditEvent.Action.CLIENT_REGISTERED, client=client.client_id, reason=f"bootstrap: {name}")
    return said
