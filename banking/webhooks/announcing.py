"""Writing events for the apps that want them, in the transaction that they report."""

from collections.abc import Iterable
from uuid import UUID

from django.db import connection, transaction

from banking.models import Event, Webhook, WebhookDelivery
from banking.webhooks.queue import enqueue

_ANNOUNCE = """
INSERT INTO webhook_delivery (id, webhook_id, event, account_id, resource_id, status, attempts, last_answer, created_at)
SELECT gen_random_uuid(), w.id, e.event, e.account_id, e.resource_id, 'pending', 0, '', now()
  FROM unnest(%s::text[], %s::uuid[], %s::uuid[]) AS e (event, account_id, resource_id)
  JOIN account_access a ON a.account_id = e.account_id
  JOIN webhook w ON w.user_id = a.user_id AND w.ended_at IS NULL AND e.event = ANY (w.events)
   AND (w.accounts IS NULL OR e.account_id = ANY (w.accounts) AND EXISTS (
         SELECT FROM consent c JOIN consent_account p ON p.consent_id = c.id
          WHERE p.account_id = e.account_id AND c.user_id = w.user_id AND c.client_id = w.client_id))
RETURNING id
"""


def announce(happened: Iterable[tuple[Event, UUID, UUID]]) -> None:
    """Writes each event (event, account, transaction or transfer) for each app that asked for it and may see the
    account. In the caller's transaction; a single statement if no app asked."""
    events, accounts, resources = zip(*happened, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_ANNOUNCE, [[str(event) for event in events], list(accounts), list(resources)])
        created = [row[0] for row in cursor.fetchall()]
    for delivery_id in created:
        enqueue(delivery_id)


def ping(webhook: Webhook) -> None:
    """Sends a test event."""
    with transaction.atomic():
        enqueue(WebhookDelivery.objects.create(webhook=webhook, event=Event.PING).pk)


def send_again(delivery_id: UUID) -> None:
    """Tries a delivery that failed for three more days. Does nothing to one that is pending, delivered or dropped."""
    with transaction.atomic():
        failed = WebhookDelivery.objects.filter(pk=delivery_id, status=WebhookDelivery.Status.FAILED)
        if failed.update(status=WebhookDelivery.Status.PENDING, attempts=0):
            enqueue(delivery_id)
