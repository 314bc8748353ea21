"""Whether an app may know of an event now. What it was allowed when the event was written does not count: the user may
have removed the app, a scope or an account since."""

from banking.models import Account, Event, WebhookDelivery
from banking.webhooks import consents
from oauth.resource_server import authorization_of

#: The scope that an app needs to receive an event.
SCOPES_OF_EVENTS: dict[str, str] = {
    Event.TRANSACTION_BOOKED: "transactions:read",
    Event.TRANSFER_UPDATED: "transfers:read",
}
#: The action that the details of its authorization (RFC 9396) must name for the account.
_ACTIONS: dict[str, str] = {Event.TRANSACTION_BOOKED: "transactions"}
_MANAGE = "webhooks:manage"


def reason_to_withhold(delivery: WebhookDelivery) -> str:
    """Why the event may not be sent now; empty if it may."""
    webhook = delivery.webhook
    if delivery.event == Event.CONSENT_REVOKED:
        return ""
    authorization = None if webhook.ended_at else authorization_of(webhook)
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
    accounts = Account.objects.of_user(webhook.user_id).filter(pk=delivery.account_id)
    visible = accounts.named_by(authorization.authorization_details, _ACTIONS.get(delivery.event, ""))
    is_picked = webhook.accounts is None or delivery.account_id in webhook.accounts
    return "" if is_picked and visible.exists() else "the app may no longer see this account"
