"""Reacts to a change of a client's identity."""

from typing import Any

from django.dispatch import receiver

from oauth.clients import changes
from oauth.models import Client
from oauth.models.client import identity_changed
from oauth.models.client.identity import Identity


@receiver(identity_changed)
def note_change(client: Client, before: Identity, after: Identity, contacts: list[str], **_: Any) -> None:
    changes.note(client, before, after, contacts)
