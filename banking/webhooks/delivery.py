"""Sending one event to one app."""

import json
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from banking.models import Event, Webhook, WebhookDelivery
from banking.notation.timestamps import timestamp
from banking.webhooks.permission import ClientDisabled, reason_to_withhold
from banking.webhooks.queue import ATTEMPTS
from oauth.infrastructure import outbound, replica, turns

#: The `typ` of the signature's header.
TYP = "webhook+jws"
#: The answer that ends a webhook (RFC 9110 §15.5.11: the resource is permanently gone).
GONE = "410"
_RESOURCES: dict[str, str] = {
    Event.TRANSACTION_BOOKED: "transaction_id",
    Event.TRANSFER_UPDATED: "transfer_id",
    Event.DIRECT_DEBIT_UPDATED: "direct_debit_id",
}


class NotDelivered(Exception):
    """The app did not accept the event; the background worker tries again. `attempts` is the number of attempts so
    far.
    """

    def __init__(self, answer: str, attempts: int) -> None:
        super().__init__(answer)
        self.attempts = attempts


def deliver(delivery_id: UUID) -> None:
    """Makes one attempt and stores its outcome. Raises NotDelivered if another attempt must follow, or turns.Postponed
    if no attempt was made because the app is slow.
    """
    delivery = WebhookDelivery.objects.select_related("webhook").filter(pk=delivery_id).first()
    if delivery is None or delivery.status != WebhookDelivery.Status.PENDING:
        return
    webhook = delivery.webhook
    try:
        why_not = reason_to_withhold(delivery)
    except ClientDisabled:
        delivery.attempts += 1
        _try_again(delivery, "The client is disabled.")
        return
    if why_not:
        _conclude(delivery, WebhookDelivery.Status.DROPPED, why_not)
        return
    with turns.turn(f"webhook {webhook.client_id}"):
        delivery.attempts += 1
        answer, is_accepted = _post(delivery)
    if is_accepted:
        _conclude(delivery, WebhookDelivery.Status.DELIVERED, answer)
        return
    if answer == GONE:
        Webhook.objects.filter(pk=webhook.pk, ended_at=None).update(ended_at=timezone.now())
        _conclude(delivery, WebhookDelivery.Status.DROPPED, answer)
        return
    _try_again(delivery, answer)


def _try_again(delivery: WebhookDelivery, answer: str) -> None:
    is_last = delivery.attempts >= ATTEMPTS
    _conclude(delivery, WebhookDelivery.Status.FAILED if is_last else WebhookDelivery.Status.PENDING, answer)
    if not is_last:
        raise NotDelivered(answer, delivery.attempts)


def content(delivery: WebhookDelivery) -> dict[str, Any]:
    """The body: identifiers only, no amounts and no names. The app fetches the rest with its token."""
    return {
        "id": str(delivery.pk),
        "type": delivery.event,
        "created_at": timestamp(delivery.created_at),
        "webhook_id": str(delivery.webhook_id),
        "data": {
            name: str(value)
            for name, value in (
                ("account_id", delivery.account_id),
                (_RESOURCES.get(delivery.event), delivery.resource_id),
            )
            if name and value
        },
    }


def _post(delivery: WebhookDelivery) -> tuple[str, bool]:
    """The status or the error, and whether the app accepted the event."""
    # The app may fetch the object as soon as it gets the event, so its reads must not come from a replica that is
    # behind.
    replica.wrote(delivery.webhook.user_id)
    body = json.dumps(content(delivery), separators=(",", ":"))
    signature = import_string(settings.WEBHOOK_SIGNER)(body.encode(), typ=TYP)
    headers = {"Webhook-Id": str(delivery.pk), "Webhook-Signature": signature}
    try:
        answer = outbound.request(
            "POST",
            delivery.webhook.url,
            body=body,
            content_type="application/json",
            more_headers=headers,
            needs_body=False,
        )
    except outbound.OutboundError as error:
        return str(error), False
    return f"{answer.status}", 200 <= answer.status < 300


def _conclude(delivery: WebhookDelivery, status: WebhookDelivery.Status, answer: str) -> None:
    delivery.status, delivery.last_answer = status, answer[:100]
    if status == WebhookDelivery.Status.DELIVERED:
        delivery.delivered_at = timezone.now()
    delivery.save(update_fields=["status", "last_answer", "attempts", "delivered_at"])
