"""The ownership of apps, which every page about an app checks first (OWASP API1)."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from oauth.clients.self_service.host import developers
from oauth.models import Client, SandboxUser

#: A developer needs one app for each kind, and some more to try things.
MOST_APPS = 20


def why_not_a_developer(user: Any) -> str | None:
    """A sentence for the page; empty for a developer. None if the site has no portal. A sandbox user is never one."""
    host = developers()
    if host is None:
        return None
    if SandboxUser.objects.filter(user=user.pk).exists():
        return _("Sandbox users have no apps of their own.")
    return host.why_not(user)


def own_apps(user: Any) -> "QuerySet[Client]":
    """Apps of a developer, the newest first. Clients that an admin registered, or that registered themselves, have no
    owner."""
    return Client.objects.filter(user=user.pk).order_by("-pk")


def own_app(user: Any, client_pk: int, *, lock: bool = False) -> Client:
    """Raises Http404 for the app of somebody else, as if there were none."""
    apps = own_apps(user)
    client = (apps.select_for_update(of=("self",)) if lock else apps).filter(pk=client_pk).first()
    if client is None:
        raise Http404
    return client
