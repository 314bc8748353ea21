"""Receivers for changes of a client's identity and logo, and for the deletion of a scope."""

from typing import Any

from django.db.models import F, Func, Value
from django.db.models.signals import post_save, pre_delete
from django.dispatch import receiver

from oauth.clients import changes, logos
from oauth.models import Client, Scope
from oauth.models.client import identity_changed
from oauth.models.client.identity import Identity


@receiver(identity_changed)
def note_change(client: Client, before: Identity, after: Identity, contacts: list[str], **_: Any) -> None:
    changes.note(client, before, after, contacts)


@receiver(post_save, sender=Client)
def follow_logo(instance: Client, created: bool, raw: bool = False, **_: Any) -> None:
    if not raw and (instance.logo_uri or not created):
        logos.follow(instance)


@receiver(pre_delete, sender=Scope)
def take_from_clients(instance: Scope, **_: Any) -> None:
    """ASVS 5.0 10.4.11: no client may have a scope that does not exist. Such a scope has no sentence for users and is
    not in the metadata. Refreshed tokens no longer have it.
    """
    clients = Client.objects.filter(allowed_scopes__contains=[instance.name])
    clients.update(allowed_scopes=Func(F("allowed_scopes"), Value(instance.name), function="array_remove"))
