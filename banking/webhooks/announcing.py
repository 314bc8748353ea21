"""Writes events for the apps that have subscribed, in the transaction that causes the events."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from banking.models import Event, Webhook, WebhookDelivery
from banking.webhooks.queue import enqueue
from oauth.infrastructure.rows import rows

_ANNOUNCE = "SELECT one FROM announce(%s::text[], %s::uuid[], %s::uuid[]) AS d (one)"


def announce(happened: Iterable[tuple[Event, UUID, UUID]]) -> None:
    """Writes each event (event, account, transaction or transfer) for each app that has subscribed to it and may see
    the account. Runs in the caller's transaction, and costs a single statement if no app has subscribed.
    """
    events, accounts, resources = zip(*happened, strict=True)
    for (delivery_id,) in rows(_ANNOUNCE, [[str(event) for event in events], list(accounts), list(resources)]):
        enqueue(delivery_id)


def ping(webhook: Webhook) -> None:
    """Sends a test event."""
    with transaction.atomic():
        enqueue(WebhookDelivery.objects.create(webhook=webhook, event=Event.PING).pk)


def send_again(delivery_id: UUID) -> None:
    """Restarts a failed delivery, with attempts for another three days. Does nothing unless the delivery has failed."""
    with transaction.atomic():
        failed = WebhookDelivery.objects.filter(pk=delivery_id, status=WebhookDelivery.Status.FAILED)
        if failed.update(status=WebhookDelivery.Status.PENDING, attempts=0):
            enqueue(delivery_id)
