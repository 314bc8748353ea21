"""Receivers for changes of a client's identity and logo."""

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from oauth.clients import changes, logos
from oauth.models import Client
from oauth.models.client import identity_changed
from oauth.models.client.identity import Identity


@receiver(identity_changed)
def note_change(client: Client, before: Identity, after: Identity, contacts: list[str], **_: Any) -> None:
    changes.note(client, before, after, contacts)


@receiver(post_save, sender=Client)
def follow_logo(instance: Client, created: bool, raw: bool = False, **_: Any) -> None:
    if not raw and (instance.logo_uri or not created):
        logos.follow(instance)
