"""BANK_APPS: the clients of the authorization server, in the form that the bank needs."""

from collections import defaultdict
from collections.abc import Set
from uuid import UUID

from django.utils import timezone

from banking.consents.apps import Access, App
from oauth.models import Authorization, Client

# If access ended for one of these reasons, the payment orders that the app set up stay active: the client revoked its
# own access, or the session ended.
_KEEPS_ORDERS = {Authorization.RevocationReason.CLIENT, Authorization.RevocationReason.LOGOUT}


def find_apps(user_id: UUID, client_ids: Set[str]) -> dict[str, App]:
    """The apps by client_id, in three queries. A deleted client counts as disabled."""
    clients = {one.client_id: one for one in Client.objects.filter(client_id__in=client_ids)}
    granted = Authorization.objects.filter(user_id=user_id, client__client_id__in=client_ids)
    latest = granted.order_by("client__client_id", "-created_at").distinct("client__client_id")
    removed = {
        client_id
        for client_id, reason in latest.values_list("client__client_id", "revocation_reason")
        if reason and reason not in _KEEPS_ORDERS
    }
    live: dict[str, list[Access]] = defaultdict(list)
    is_live = granted.filter(revoked_at=None, expires_at__gt=timezone.now())
    for client_id, *access in is_live.values_list("client__client_id", "scopes", "authorization_details"):
        live[client_id].append(Access(*access))
    removed -= live.keys()  # the latest authorization has ended, but an earlier one is live
    return {one: _app(clients.get(one), one, is_removed=one in removed, live=live[one]) for one in client_ids}


def _app(client: Client | None, client_id: str, *, is_removed: bool, live: list[Access]) -> App:
    if client is None or not client.is_active:
        return App(client.shown_name if client else client_id, "app_disabled")
    return App(client.shown_name, "app_removed" if is_removed else "", live, client.allowed_scopes)
