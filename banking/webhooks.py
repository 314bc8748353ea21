"""Telling apps what happened: at least once, signed, and only what they may know.

What is to be told is written in the transaction that it tells of (`announce`); the worker sends it (`deliver`).
What an app may know is decided when it is sent, each time: an event that was written before the user took something
back is dropped.
"""

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from banking import jobs
from banking.models import Account, Event, Webhook, WebhookDelivery
from oauth import outbound
from oauth.resource_server import authorization_of

DELIVER = "banking.deliver_webhook"
#: 3 s, 9 s, 27 s ... 49 hours: three days in all.
ATTEMPTS = 12
TYP = "webhook+jws"
#: Shorter than deliveries are kept, so that the reminder is not sent again.
CONFIRM_DUE_BEFORE = timedelta(days=14)

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


class NotDelivered(Exception):
    """The app did not take it; the worker tries again."""


def announce(happened: Iterable[tuple[Event, UUID, UUID]]) -> None:
    """(event, account, transaction or transfer), to every app that wants to know and may. In the caller's transaction;
    one statement where nobody does."""
    events, accounts, resources = zip(*happened, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_ANNOUNCE, [[str(event) for event in events], list(accounts), list(resources)])
        made = [row[0] for row in cursor.fetchall()]
    for delivery_id in made:
        _send_later(delivery_id)


def ping(webhook: Webhook) -> None:
    with transaction.atomic():
        _send_later(WebhookDelivery.objects.create(webhook=webhook, event=Event.PING).pk)


def send_again(delivery_id: UUID) -> None:
    """What was given up, once more for three days. What is on its way, or was taken, is left alone."""
    with transaction.atomic():
        given_up = WebhookDelivery.objects.filter(pk=delivery_id, status=WebhookDelivery.Status.FAILED)
        if given_up.update(status=WebhookDelivery.Status.PENDING, attempts=0):
            _send_later(delivery_id)


def watch_consents() -> None:
    """Says consent.revoked once to whose access has ended, and nothing more after it; consent.confirm_due once to whose
    access ends within CONFIRM_DUE_BEFORE."""
    for webhook in Webhook.objects.filter(ended_at=None).iterator():
        if authorization_of(webhook) is None:
            _end(webhook)
        elif Event.CONSENT_CONFIRM_DUE in webhook.events:
            _remind(webhook)


@transaction.atomic
def _remind(webhook: Webhook) -> None:
    authorization = authorization_of(webhook)
    if authorization is None or authorization.expires_at is None:
        return
    Webhook.objects.select_for_update().get(pk=webhook.pk)  # two workers remind once
    was_told = webhook.deliveries.filter(event=Event.CONSENT_CONFIRM_DUE).exists()
    if not was_told and authorization.expires_at - timezone.now() < CONFIRM_DUE_BEFORE:
        _send_later(WebhookDelivery.objects.create(webhook=webhook, event=Event.CONSENT_CONFIRM_DUE).pk)


def deliver(delivery_id: UUID) -> None:
    """One attempt. Raises NotDelivered; what was given up, or has nobody to be told, is written down as such."""
    delivery = WebhookDelivery.objects.select_related("webhook").filter(pk=delivery_id).first()
    if delivery is None or delivery.status != WebhookDelivery.Status.PENDING:
        return
    webhook = delivery.webhook
    if why_not := _withheld(delivery):
        _note(delivery, WebhookDelivery.Status.DROPPED, why_not)
        return
    body = json.dumps(content(delivery), separators=(",", ":"))
    signed = import_string(settings.WEBHOOK_SIGNER)(body.encode(), typ=TYP)
    headers = {"Webhook-Id": str(delivery.pk), "Webhook-Signature": signed}
    delivery.attempts += 1
    try:
        answer = outbound.request("POST", webhook.url, body=body, content_type="application/json", more_headers=headers)
        said, is_taken = f"{answer.status}", 200 <= answer.status < 300
    except outbound.OutboundError as error:
        said, is_taken = str(error), False
    if is_taken:
        _note(delivery, WebhookDelivery.Status.DELIVERED, said)
        return
    if said == "410":  # RFC 9110 §15.5.11: it is gone for good
        Webhook.objects.filter(pk=webhook.pk, ended_at=None).update(ended_at=timezone.now())
        _note(delivery, WebhookDelivery.Status.DROPPED, said)
        return
    is_last = delivery.attempts >= ATTEMPTS
    _note(delivery, WebhookDelivery.Status.FAILED if is_last else WebhookDelivery.Status.PENDING, said)
    if not is_last:
        raise NotDelivered(said)


def _withheld(delivery: WebhookDelivery) -> str:
    """Why this may not be sent now, empty where it may. What was allowed when the event was written does not count:
    the user may have removed the app, a scope or an account since."""
    webhook = delivery.webhook
    if delivery.event == Event.CONSENT_REVOKED:
        return ""
    authorization = None if webhook.ended_at else authorization_of(webhook)
    if authorization is None:
        _end(webhook)
        return "the access has ended"
    if delivery.event == Event.CONSENT_CONFIRM_DUE:
        return ""
    needed = {MANAGE, *filter(None, [SEEN_BY.get(delivery.event)])}
    if not needed <= set(authorization.scopes):
        return "the app may no longer know this"
    if delivery.account_id is None:
        return ""
    accounts = Account.objects.of(webhook.user_id).filter(pk=delivery.account_id)
    visible = accounts.named_by(authorization.authorization_details, _ACTIONS.get(delivery.event, ""))
    is_picked = webhook.accounts is None or delivery.account_id in webhook.accounts
    return "" if is_picked and visible.exists() else "the app may no longer see this account"


def content(delivery: WebhookDelivery) -> dict[str, Any]:
    """What is sent: ids, no amounts and no names."""
    return {
        "id": str(delivery.pk),
        "type": delivery.event,
        "created_at": delivery.created_at.isoformat().replace("+00:00", "Z"),
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


#: Which scope an app needs to know of an event, and which action of its details (RFC 9396).
SEEN_BY: dict[str, str] = {Event.TRANSACTION_BOOKED: "transactions:read", Event.TRANSFER_UPDATED: "transfers:read"}
_ACTIONS: dict[str, str] = {Event.TRANSACTION_BOOKED: "transactions"}
MANAGE = "webhooks:manage"

_RESOURCES: dict[str, str] = {Event.TRANSACTION_BOOKED: "transaction_id", Event.TRANSFER_UPDATED: "transfer_id"}


def _send_later(delivery_id: UUID) -> None:
    jobs.defer(DELIVER, delivery_id=str(delivery_id))


@transaction.atomic
def _end(webhook: Webhook) -> None:
    if Webhook.objects.filter(pk=webhook.pk, ended_at=None).update(ended_at=timezone.now()):
        _send_later(WebhookDelivery.objects.create(webhook=webhook, event=Event.CONSENT_REVOKED).pk)


def _note(delivery: WebhookDelivery, status: WebhookDelivery.Status, said: str) -> None:
    delivery.status, delivery.last_answer = status, said[:100]
    if status == WebhookDelivery.Status.DELIVERED:
        delivery.delivered_at = timezone.now()
    delivery.save(update_fields=["status", "last_answer", "attempts", "delivered_at"])
