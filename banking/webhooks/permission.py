"""Whether an app may know of an event now. The permissions at the time of the event do not count, because the user may
have removed the app, a scope or an account since.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from banking.consents.history import history_of_account
from banking.consents.single_transfer import transfer_details
from banking.models import Account, Event, LedgerEntry, Transfer, WebhookDelivery
from banking.webhooks import consents
from oauth.resource_server import authorization_of, is_client_disabled

#: The scope that an app needs to receive an event.
SCOPES_OF_EVENTS: dict[str, str] = {
    Event.TRANSACTION_BOOKED: "transactions:read",
    Event.TRANSFER_UPDATED: "transfers:read",
    Event.DIRECT_DEBIT_UPDATED: "direct-debits:read",
}
#: The action that the authorization details (RFC 9396) must cover for the account, as in the API.
_ACTIONS: dict[str, str] = {
    Event.TRANSACTION_BOOKED: "transactions",
    Event.TRANSFER_UPDATED: "transfers",
    Event.DIRECT_DEBIT_UPDATED: "direct_debits",
}
_MANAGE = "webhooks:manage"


class ClientDisabled(Exception):
    """Nothing may be sent to the client until staff enable it. Its access has not ended."""


def reason_to_withhold(delivery: WebhookDelivery) -> str:
    """The reason why the event may never be sent; empty if it may be sent now. Raises ClientDisabled."""
    webhook = delivery.webhook
    authorization = None if webhook.ended_at else authorization_of(webhook)
    if authorization is None and is_client_disabled(webhook):
        raise ClientDisabled
    if delivery.event == Event.CONSENT_REVOKED:
        return ""
    if authorization is None:
        consents.end(webhook)
        return "the access has ended"
    if delivery.event == Event.CONSENT_CONFIRM_DUE:
        return ""
    needed = {_MANAGE, *filter(None, [SCOPES_OF_EVENTS.get(delivery.event)])}
    if not needed <= set(authorization.scopes):
        return "the app may no longer know this"
    if delivery.account_id is None:
        return ""
    details = authorization.authorization_details
    accounts = Account.objects.of_user(webhook.user_id).filter(pk=delivery.account_id)
    visible = accounts.named_by(details, _ACTIONS.get(delivery.event, ""))
    is_picked = webhook.accounts is None or delivery.account_id in webhook.accounts
    is_visible = visible.exists() or (_is_allowed_by_itself(delivery, details) and accounts.exists())
    if not is_picked or not is_visible:
        return "the app may no longer see this account"
    if not _is_in_history(delivery, details):
        return "it began before the history that the app may see"
    return ""


def _is_allowed_by_itself(delivery: WebhookDelivery, details: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the event is about a transfer with its own consent (RFC 9396)."""
    consents = [UUID(detail["identifier"]) for detail in transfer_details(details)]
    if not consents or delivery.event != Event.TRANSFER_UPDATED or delivery.resource_id is None:
        return False
    return Transfer.objects.filter(pk=delivery.resource_id, consent__in=consents).exists()


def _is_in_history(delivery: WebhookDelivery, details: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a transfer was made, or a transaction booked, since `history_from`. The time at which a transfer settles
    does not matter.
    """
    since = history_of_account(details, delivery.account_id)
    if since is None:
        return True
    if delivery.event == Event.DIRECT_DEBIT_UPDATED:  # as in the API, `history_from` does not apply to mandates
        return True
    if delivery.resource_id is None or delivery.account_id is None:
        return False
    if delivery.event == Event.TRANSFER_UPDATED:
        return Transfer.objects.filter(pk=delivery.resource_id, created_at__gte=since).exists()
    booked = LedgerEntry.objects.filter(transaction_id=delivery.resource_id, account_id=delivery.account_id)
    return booked.filter(booked_at__gte=since).exists()
