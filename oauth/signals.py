"""What the site's log-outs mean for clients, and what changed clients mean for their users."""

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from oauth.authorization import client_changes, sessions
from oauth.models import Client, Session
from oauth.models.client import identity_changed
from oauth.models.client_identity import Identity


@receiver(user_logged_out)
def end_session(request: HttpRequest | None, **_: Any) -> None:
    """Access that was not allowed offline ends with the log-in it came from."""
    if request is not None:
        sessions.end(request, Session.EndReason.LOGOUT)


@receiver(identity_changed)
def note_change(client: Client, before: Identity, after: Identity, contacts: list[str], **_: Any) -> None:
    client_changes.note(client, before, after, contacts)
