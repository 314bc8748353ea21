"""Holds back new redirect hosts of a client in use until a second admin approves them."""

from typing import Any

from oauth.clients.changes import PENDING_HOSTS, enqueue_notice, is_in_use
from oauth.conf import conf
from oauth.models import AuditEvent, Client, NewRedirectHost
from oauth.models.client import is_loopback
from oauth.models.client.identity import host


def hold_back(client: Client, by: Any) -> NewRedirectHost | None:
    """Removes redirect URIs at new hosts from the unsaved client and requests their approval.

    A loopback address needs no approval, because it leads only to the user's own computer.
    """
    stored = Client.objects.get(pk=client.pk)
    before, after = stored.redirect_uris.split(), client.redirect_uris.split()
    known = {host(uri) for uri in before}
    held = [uri for uri in after if host(uri) not in known and not is_loopback(uri)]
    if not conf.SECOND_ADMIN_FOR_REDIRECT_HOSTS or not held or not is_in_use(stored):
        return None
    # If no URI is left, the client keeps its stored ones.
    client.redirect_uris = "\n".join([uri for uri in after if uri not in held] or before)
    asked, is_new = NewRedirectHost.objects.get_or_create(
        client=client, redirect_uris="\n".join(held), decided_at=None, defaults={"asked_by": by}
    )
    if is_new:
        AuditEvent.record(
            AuditEvent.Action.CLIENT_CHANGED,
            client=client.client_id,
            actor=by.pk,
            reason=f"asked for new redirect URIs: {' '.join(held)}",
        )
        enqueue_notice(stored, [PENDING_HOSTS], [host(uri) for uri in held])
    return asked
