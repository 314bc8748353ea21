"""BANK_APPS: the clients of the authorization server, as the bank needs to know them."""

from collections.abc import Set
from uuid import UUID

from django.utils import timezone

from banking.consents.apps import App
from oauth.models import Authorization, Client

# The app went by itself, or its log-in ended: what the user ordered by it stands.
_KEEPS_ORDERS = {Authorization.RevocationReason.CLIENT, Authorization.RevocationReason.LOGOUT}


def find(user_id: UUID, client_ids: Set[str]) -> dict[str, App]:
    """Two queries. A client that was deleted counts as disabled."""
    clients = {one.client_id: one for one in Client.objects.filter(client_id__in=client_ids)}
    granted = Authorization.objects.filter(user_id=user_id, client__client_id__in=client_ids)
    latest = granted.order_by("client__client_id", "-created_at").distinct("client__client_id")
    removed = {
        client_id
        for client_id, reason in latest.values_list("client__client_id", "revocation_reason")
        if reason and reason not in _KEEPS_ORDERS
    }
    if removed:  # a later one may be over, an earlier one still live
        live = granted.filter(revoked_at=None, expires_at__gt=timezone.now())
        removed -= set(live.values_list("client__client_id", flat=True))
    return {one: _app(clients.get(one), one, is_removed=one in removed) for one in client_ids}


def _app(client: Client | None, client_id: str, *, is_removed: bool) -> App:
    if client is None or not client.is_active:
        return App(client.shown_name if client else client_id, "app_disabled")
    return App(client.shown_name, "app_removed" if is_removed else "")
