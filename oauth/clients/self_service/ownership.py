"""Checks who owns an app. Every page about an app must call this first (OWASP API1)."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from oauth.clients.self_service.host import developers
from oauth.models import Client, SandboxUser

#: Enough for one app of each kind and some for experiments.
MOST_APPS = 20


def why_not_a_developer(user: Any) -> str | None:
    """The reason, shown on the page; empty for a developer. None if the site has no portal. A sandbox user is never a
    developer.
    """
    host = developers()
    if host is None:
        return None
    if SandboxUser.objects.filter(user=user.pk).exists():
        return _("Sandbox users have no apps of their own.")
    return host.why_not(user)


def own_apps(user: Any) -> "QuerySet[Client]":
    """Apps of a developer, newest first. Clients registered by an admin or dynamically have no owner."""
    return Client.objects.filter(user=user.pk).order_by("-pk")


def own_app(user: Any, client_pk: int, *, lock: bool = False) -> Client:
    """Raises Http404 for another developer's app, as if it did not exist."""
    apps = own_apps(user)
    client = (apps.select_for_update(of=("self",)) if lock else apps).filter(pk=client_pk).first()
    if client is None:
        raise Http404
    return client
